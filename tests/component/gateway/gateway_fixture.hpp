// GatewayTest: a gateway on a free port over a broker that does what the test says, and a client that sends and reads
// raw text. The test's thread blocks in the client; the gateway runs on IoThread's.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "p2p/gateway/gateway.hpp"
#include "tests/support/formats.hpp"
#include "tests/support/io_thread.hpp"
#include "tests/support/scripted_requests.hpp"

namespace packswarm::gateway {

using namespace std::chrono_literals;
using test::file_with;

inline const std::string mirror = "http://mirror.example/core/os/x86_64/";
inline const WallTime some_day{Seconds(784111777)};

struct Reply {
    int status = 0;
    std::string head, body;
    std::string header(const std::string& name) const {
        const auto at = head.find("\r\n" + name + ": ");
        if (at == std::string::npos) return "";
        const auto begin = at + name.size() + 4;
        return head.substr(begin, head.find("\r\n", begin) - begin);
    }
};

class HttpClient {
  public:
    explicit HttpClient(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::connect(socket_.fd(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        const timeval limit{15, 0};
        ::setsockopt(socket_.fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    }
    void say(const std::string& text) {
        EXPECT_EQ(::send(socket_.fd(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    }
    void ask(const std::string& target, const std::string& more = "", const std::string& method = "GET") {
        const bool is_absolute = target.starts_with("http://");
        const auto host = is_absolute ? target.substr(7, target.find('/', 7) - 7) : "127.0.0.1";
        say(method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\n" + more + "\r\n");
    }
    // False when the other end closed (or said nothing for long).
    bool hear_more() {
        char buffer[65536];
        const auto got = ::recv(socket_.fd(), buffer, sizeof buffer, 0);
        if (got > 0) heard_.append(buffer, static_cast<std::size_t>(got));
        return got > 0;
    }
    // Whether something can be heard within that time.
    bool hears_within(std::chrono::milliseconds time) {
        timeval limit{0, std::chrono::microseconds(time).count()};
        fd_set set;
        FD_ZERO(&set);
        FD_SET(socket_.fd(), &set);
        return ::select(socket_.fd() + 1, &set, nullptr, nullptr, &limit) > 0;
    }
    Reply read_head() {
        while (heard_.find("\r\n\r\n") == std::string::npos && hear_more()) {
        }
        Reply reply;
        const auto end = heard_.find("\r\n\r\n");
        EXPECT_NE(end, std::string::npos) << "no head: " << heard_;
        if (end == std::string::npos) return reply;
        reply.head = heard_.substr(0, end + 2);
        heard_.erase(0, end + 4);
        reply.status = std::atoi(reply.head.c_str() + 9);
        return reply;
    }
    std::string read_body(std::size_t size) {
        while (heard_.size() < size && hear_more()) {
        }
        std::string body = heard_.substr(0, size);
        heard_.erase(0, body.size());
        return body;
    }
    std::size_t take_all() { return std::exchange(heard_, {}).size(); }  // bytes heard so far
    Reply read_reply() {
        Reply reply = read_head();
        if (reply.status != 304)
            reply.body = read_body(static_cast<std::size_t>(std::atoll(reply.header("Content-Length").c_str())));
        return reply;
    }
    Reply get(const std::string& target, const std::string& more = "") {
        ask(target, more);
        return read_reply();
    }
    // What came up to the close; only for connections that the gateway ends.
    std::string read_to_end() {
        while (hear_more()) {
        }
        return std::exchange(heard_, {});
    }

  private:
    FileHandle socket_;
    std::string heard_;
};

class GatewayTest : public testing::Test {
  protected:
    GatewayTest() : requests(loop.io()) { open({}); }
    ~GatewayTest() override {
        loop.run([&] { gateway.reset(); });
    }
    void open(Patience patience) {
        loop.run([&] {
            gateway = std::move(
                Gateway::open(loop.io(), requests, {"127.0.0.1", 0, {}, "packswarm-test", patience, formats::all()})
                    .value());
            port = gateway->port();
        });
    }
    void has(const std::string& file, const std::string& content, std::optional<WallTime> modified = {}) {
        loop.run([&] { requests.has(mirror + file, content, modified); });
    }
    void lacks(const std::string& file, ErrorKind kind = ErrorKind::Absent) {
        loop.run([&] { requests.lacks(mirror + file, kind); });
    }
    broker::RequestId wait_for(const std::string& file) {
        if (!loop.until([&] { return requests.asked_for(mirror + file); }))
            throw std::runtime_error(file + " was not asked for");
        return loop.run([&] { return requests.id_of(mirror + file); });
    }
    void start(broker::RequestId id, const std::string& bytes, ByteCount size, ByteCount safe) {
        loop.run([&] {
            requests.start(id, file_with(bytes), size, some_day);
            requests.progress(id, {safe, safe, safe});
        });
    }
    bool nothing_in_hand() {
        return loop.until([&] { return requests.open.empty(); });
    }

    test::IoThread loop;
    test::ScriptedRequests requests;
    std::unique_ptr<Gateway> gateway;
    int port = 0;
};

inline const std::string core = "/core/os/x86_64/";

}  // namespace packswarm::gateway
