// RawPeer: a BitTorrent peer by hand over a blocking socket, that can say anything. RawDoor: where one can be dialled.
// RawSeed: one that serves a torrent, badly. Thread: the test's; RawSeed has one of its own, ended with it.
#pragma once

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "p2p/swarm/channel/message.hpp"
#include "p2p/swarm/channel/wire.hpp"

namespace packswarm::test {

inline sockaddr_in address_of(const std::string& ip, int port) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(static_cast<std::uint16_t>(port));
    ::inet_pton(AF_INET, ip.c_str(), &out.sin_addr);
    return out;
}

class RawPeer {
  public:
    explicit RawPeer(int fd) : fd_(fd) {}
    // Connects from one loopback address to another.
    RawPeer(const std::string& from, const std::string& to, int port)
        : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        auto own = address_of(from, 0), other = address_of(to, port);
        const int on = 1;
        ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        is_connected_ = ::bind(fd_, reinterpret_cast<sockaddr*>(&own), sizeof own) == 0 &&
                        ::connect(fd_, reinterpret_cast<sockaddr*>(&other), sizeof other) == 0;
    }
    RawPeer(const RawPeer&) = delete;
    ~RawPeer() {
        if (fd_ >= 0) ::close(fd_);
    }

    bool write(std::string_view bytes) {
        while (!bytes.empty()) {
            pollfd ready{fd_, POLLOUT, 0};
            if (::poll(&ready, 1, 30'000) <= 0) return false;
            const auto put = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (put < 0 && errno == EAGAIN) continue;
            if (put <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(put));
        }
        return true;
    }
    // Empty when the other side closed, or nothing came in time.
    std::string read(std::size_t count, int patience_ms = 60'000) {
        std::string out;
        while (out.size() < count) {
            pollfd ready{fd_, POLLIN, 0};
            if (::poll(&ready, 1, patience_ms) <= 0) return {};
            char buffer[65536];
            const auto got = ::recv(fd_, buffer, std::min(sizeof buffer, count - out.size()), 0);
            if (got <= 0) {
                is_closed_ = true;
                return {};
            }
            out.append(buffer, static_cast<std::size_t>(got));
        }
        return out;
    }
    bool handshake(const Infohash& infohash, bool extensions = true) {
        std::string reserved(8, '\0');
        if (extensions) reserved[5] = 0x10;
        if (!write("\x13"
                   "BitTorrent protocol" +
                   reserved + std::string(infohash.raw()) + peer_id()))
            return false;
        return read(68).size() == 68;
    }
    static std::string number(std::uint32_t value) {
        return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
                static_cast<char>(value)};
    }
    static std::uint32_t number(std::string_view bytes) {
        std::uint32_t out = 0;
        for (int i = 0; i < 4; ++i) out = out << 8 | static_cast<std::uint8_t>(bytes[static_cast<std::size_t>(i)]);
        return out;
    }
    bool message(int type, std::string_view body) {
        return write(number(static_cast<std::uint32_t>(body.size() + 1)) + static_cast<char>(type) + std::string(body));
    }
    // The next message that is not a keep-alive: type, then body. Empty when closed.
    std::string next(int patience_ms = 60'000) {
        while (true) {
            const auto head = read(4, patience_ms);
            if (head.empty()) return {};
            if (number(head) > 0) return read(number(head), patience_ms);
        }
    }
    bool closes(int patience_ms = 60'000) {
        while (!next(patience_ms).empty()) {
        }
        return is_closed_;
    }
    bool is_connected() const { return is_connected_; }

    // ---- The peer channel
    bool extend(const std::string& more = "") {
        return message(20, std::string(1, '\0') + "d1:md9:packswarmi7ee" + more + "e");
    }
    bool send(const swarm::Message& said) { return send(as_text(swarm::encode(said))); }
    bool send(std::string_view raw) {
        return message(20, std::string(1, static_cast<char>(their_id)) + std::string(raw));
    }
    bool hello(std::uint16_t port = 1) {
        swarm::Hello said;
        said.agent_id = {9, 9, static_cast<std::uint8_t>(fd_)};
        said.listen_port = port;
        said.agent = "raw";
        return send(said);
    }
    // Handshake and both hellos.
    bool meet(const Infohash& infohash, std::uint16_t port = 1) {
        return is_connected_ && handshake(infohash) && extend() && hello_from_them() && hello(port);
    }
    bool hello_from_them() { return said<swarm::Hello>().has_value(); }
    // The next message of one kind; others are passed over.
    template <class Kind>
    std::optional<Kind> said(int patience_ms = 60'000) {
        while (true) {
            last_ = next(patience_ms);
            if (last_.empty()) return std::nullopt;
            if (last_[0] != 20 || last_[1] != 7) continue;
            const auto message = swarm::decode(as_bytes(std::string_view(last_).substr(2)));
            if (message && std::holds_alternative<Kind>(*message)) return std::get<Kind>(*message);
        }
    }
    int their_id = 21;

  private:
    std::string peer_id() const {
        static int count = 0;  // one id for two connections would end one of them
        return "-XX0001-" + std::to_string(100'000'000'000 + ++count);
    }
    int fd_ = -1;
    bool is_connected_ = true;
    bool is_closed_ = false;
    std::string last_;
};

class RawDoor {
  public:
    explicit RawDoor(const std::string& ip) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), ip_(ip) {
        auto own = address_of(ip, 0);
        socklen_t size = sizeof own;
        if (::bind(fd_, reinterpret_cast<sockaddr*>(&own), size) != 0 || ::listen(fd_, 8) != 0)
            throw std::runtime_error("no port");
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&own), &size);
        port_ = ntohs(own.sin_port);
    }
    RawDoor(const RawDoor&) = delete;
    ~RawDoor() { ::close(fd_); }
    int port() const { return port_; }
    std::string endpoint() const { return ip_ + ":" + std::to_string(port_); }
    // Empty when nobody came in time.
    std::unique_ptr<RawPeer> accept(int patience_ms = 60'000) {
        pollfd ready{fd_, POLLIN, 0};
        if (::poll(&ready, 1, patience_ms) <= 0) return nullptr;
        return std::make_unique<RawPeer>(::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC));
    }

  private:
    int fd_;
    std::string ip_;
    int port_ = 0;
};

// Accepts torrent connections and answers every request with wrong bytes.
class RawSeed {
  public:
    RawSeed(const std::string& ip, std::size_t pieces) : pieces_(pieces), door_(ip), thread_([this] { serve(); }) {}
    ~RawSeed() {
        stop_ = true;
        thread_.join();
    }
    std::uint16_t port() const { return static_cast<std::uint16_t>(door_.port()); }
    int requests() const { return requests_; }

  private:
    void serve() {
        while (!stop_) {
            const auto dialled = door_.accept(50);
            if (!dialled) continue;
            RawPeer& peer = *dialled;
            const auto start = peer.read(68, 2'000);
            if (start.size() != 68) continue;
            peer.write(start.substr(0, 20) + std::string(8, '\0') + start.substr(28, 20) + "-XX0001-mnopqrstuvwx");
            std::string bits(pieces_ / 8, '\xff');
            if (pieces_ % 8 != 0) bits += static_cast<char>(0xff << (8 - pieces_ % 8));
            peer.message(5, bits);
            answer(peer);
        }
    }
    void answer(RawPeer& peer) {
        while (!stop_) {
            const auto said = peer.next(500);
            if (said.empty()) return;
            if (said[0] == 2) peer.message(1, "");
            if (said[0] != 6 || said.size() != 13) continue;
            ++requests_;
            peer.message(7, said.substr(1, 8) + std::string(RawPeer::number(std::string_view(said).substr(9)), 'x'));
        }
    }
    std::size_t pieces_;
    RawDoor door_;
    std::atomic<bool> stop_{false};
    std::atomic<int> requests_{0};
    std::thread thread_;
};

}  // namespace packswarm::test
