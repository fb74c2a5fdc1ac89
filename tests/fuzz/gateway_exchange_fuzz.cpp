// rooms: gateway formats store
// One client of the gateway, and a broker that answers its requests in any order: the real gateway on a loopback
// socket. What the client hears is whole answers in a row, and of a file only bytes that the broker called safe or
// delivered; when the client is gone nothing stays in hand. Input: lines, the first character of each says what
// happens.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>

#include "formats/format.hpp"
#include "p2p/base/log.hpp"
#include "p2p/base/text.hpp"
#include "p2p/gateway/gateway.hpp"
#include "tests/support/scripted_requests.hpp"

using namespace packswarm;

namespace {

constexpr ByteCount most = 400'000;  // bytes of a file

void require(bool holds) {
    if (!holds) std::abort();
}

char byte_at(ByteCount at) { return static_cast<char>('a' + (at * 31 + at / 251) % 26); }

const std::string& content() {
    static const std::string all = [] {
        std::string out;
        for (ByteCount at = 0; at < most; ++at) out.push_back(byte_at(at));
        return out;
    }();
    return all;
}

ByteCount number(std::string_view text) {
    ByteCount out = 0;
    for (const char digit : text)
        if (digit >= '0' && digit <= '9') out = std::min<ByteCount>(out * 10 + (digit - '0'), most);
    return out;
}

// Holds no byte that nobody may see yet.
struct Growing {
    explicit Growing(ByteCount whole)
        : file(std::make_shared<FileHandle>(::memfd_create("fuzz", MFD_CLOEXEC))), size(whole) {
        require(file->open() && ::ftruncate(file->fd(), whole) == 0);
    }
    void grow(ByteCount safe) {
        if (safe <= there) return;
        require(static_cast<bool>(write_at(*file, there, std::string_view(content()).substr(there, safe - there))));
        there = safe;
    }
    std::shared_ptr<FileHandle> file;
    ByteCount size, there = 0;
};

// Whole answers, as far as they have come.
class Listener {
  public:
    void heard(std::string_view bytes) {
        text_.append(bytes);
        while (body_left_ > 0 ? take_body() : take_head()) {
        }
    }

  private:
    bool take_head() {
        const auto end = text_.find("\r\n\r\n");
        if (end == std::string::npos) {
            require(text_.size() < 32 * 1024);
            return false;
        }
        const std::string head = text_.substr(0, end + 2);
        text_.erase(0, end + 4);
        require(head.starts_with("HTTP/1.1 "));
        const auto status = number(head.substr(9, 3));
        const auto length = field(head, "Content-Length");
        is_file_ = status == 200 || status == 206;
        require(is_file_ || status == 304 || status == 307 || status == 302 || (status >= 400 && status < 600));
        require(status == 304 || !length.empty());
        body_left_ = status == 304 ? 0 : number(length);
        const auto range = field(head, "Content-Range");
        require((status == 206) == (!range.empty() && range[6] != '*'));
        at_ = status == 206 ? number(std::string_view(range).substr(6, range.find('-') - 6)) : 0;
        return true;
    }
    // None after HEAD, which only the client knows of.
    bool take_body() {
        if (text_.empty()) return false;
        if (text_.starts_with("HTTP/1.1 ")) return body_left_ = 0, true;
        const auto here = std::min<ByteCount>(body_left_, static_cast<ByteCount>(text_.size()));
        if (is_file_) require(text_.compare(0, here, content(), at_, here) == 0);
        at_ += here;
        body_left_ -= here;
        text_.erase(0, here);
        return true;
    }
    static std::string field(const std::string& head, const std::string& name) {
        const auto at = head.find("\r\n" + name + ": ");
        if (at == std::string::npos) return {};
        const auto begin = at + name.size() + 4;
        return head.substr(begin, head.find("\r\n", begin) - begin);
    }

    std::string text_;
    ByteCount body_left_ = 0, at_ = 0;
    bool is_file_ = false;
};

gateway::GatewaySettings settings() {
    gateway::GatewaySettings out;
    out.formats = formats::all();
    return out;
}

class Run {
  public:
    Run() : requests_(io_), gateway_(std::move(gateway::Gateway::open(io_, requests_, settings()).value())) {
        connect();
    }
    ~Run() {
        const linger reset{1, 0};  // no port waits for a minute
        ::setsockopt(client_.fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        client_ = FileHandle();
        settle();
        while (!requests_.open.empty()) {
            requests_.fail(requests_.open.begin()->first, ErrorKind::Transient, "gone");
            settle();
        }
        for (int i = 0; i < 100 && gateway_->clients() > 0; ++i) settle();
        require(gateway_->clients() == 0);
    }

    void step(char what, std::string_view rest) {
        switch (what) {
            case '>':
                say(std::string(rest) + "\r\n");
                break;
            case '+':
                say(std::string(rest));
                break;
            case 'e':
                ::shutdown(client_.fd(), SHUT_WR);
                break;
            default:
                answer(what, number(rest));
        }
        settle();
        require(requests_.open.size() <= 2 * limits::max_http_pipeline);
    }

  private:
    void connect() {
        client_ = FileHandle(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(gateway_->port()));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        require(client_.open());
        [[maybe_unused]] const auto begun =
            ::connect(client_.fd(), reinterpret_cast<sockaddr*>(&address), sizeof address);
        for (int i = 0; i < 1000 && gateway_->clients() == 0; ++i) settle();
        require(gateway_->clients() == 1);
    }
    void say(const std::string& text) {
        [[maybe_unused]] const auto sent = ::send(client_.fd(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    void settle() {
        for (int i = 0; i < 64; ++i) {
            io_.restart();
            const auto ran = io_.poll();
            if (!hear() && ran == 0) return;
        }
    }
    bool hear() {
        char buffer[65536];
        const auto got = client_.open() ? ::recv(client_.fd(), buffer, sizeof buffer, MSG_DONTWAIT) : 0;
        if (got > 0) listener_.heard({buffer, static_cast<std::size_t>(got)});
        return got > 0;
    }
    // The broker's word on one of the open requests, in the order that it keeps.
    void answer(char what, ByteCount value) {
        if (requests_.open.empty()) return;
        const auto id =
            std::next(requests_.open.begin(), chosen_ % static_cast<ByteCount>(requests_.open.size()))->first;
        const auto known = files_.find(id);
        const bool has_started = known != files_.end();
        switch (what) {
            case 'c':
                chosen_ = value;
                break;
            case 's':
                if (!has_started) start(id, value);
                break;
            case 'p':
                if (has_started) progress(id, known->second, std::min(value, known->second.size));
                break;
            case 'd':
                deliver(id, has_started ? known->second : Growing(value));
                break;
            case 'r':
                if (!has_started) deliver_part(id, value);
                break;
            case 'n':
                if (!has_started) requests_.not_modified(id);
                break;
            case 'f':
                requests_.fail(id, static_cast<ErrorKind>(value % 5), "no source has it");
                break;
            default:
                break;
        }
    }
    void start(broker::RequestId id, ByteCount size) {
        const auto file = files_.emplace(id, Growing(size)).first->second;
        requests_.start(id, file.file, size, WallTime(Seconds(784111777)));
    }
    void progress(broker::RequestId id, Growing& file, ByteCount safe) {
        file.grow(safe);
        requests_.progress(id, {safe, safe, file.there});
    }
    void deliver(broker::RequestId id, Growing file) {
        file.grow(file.size);
        requests_.deliver(id, file.file, file.size);
    }
    void deliver_part(broker::RequestId id, ByteCount size) {
        const auto& terms = requests_.open.at(id).request.terms;
        if (!terms.begin) return;
        const auto begin = std::min<ByteCount>(*terms.begin, most - 1);
        const ByteRange range{begin, std::min(most, begin + std::max<ByteCount>(1, size))};
        const auto part = content().substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(range.length()));
        requests_.deliver_part(id, test::file_with(part), {range, most});
    }

    boost::asio::io_context io_;
    test::ScriptedRequests requests_;
    std::unique_ptr<gateway::Gateway> gateway_;
    FileHandle client_;
    Listener listener_;
    std::map<broker::RequestId, Growing> files_;
    ByteCount chosen_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    spdlog::set_level(spdlog::level::off);
    std::string_view text(reinterpret_cast<const char*>(data), std::min<std::size_t>(size, 16 * 1024));
    Run run;
    for (int steps = 0; !text.empty() && steps < 200; ++steps) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto line = text.substr(0, end);
        text.remove_prefix(std::min(text.size(), end + 1));
        if (!line.empty()) run.step(line.front(), line.substr(1));
    }
    return 0;
}
