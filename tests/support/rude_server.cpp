#include "tests/support/rude_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

namespace packswarm::test {

namespace {

int bound_socket(const std::string& address, int& port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    ::inet_pton(AF_INET, address.c_str(), &name.sin_addr);
    socklen_t length = sizeof name;
    if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&name), length) != 0 ||
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &length) != 0)
        throw std::runtime_error("no loopback port");
    port = ntohs(name.sin_port);
    return fd;
}

}  // namespace

int closed_port() {
    int port = 0;
    ::close(bound_socket("127.0.0.1", port));
    return port;
}

std::string RudeTalk::path() const {
    const auto start = head_.find(' ') + 1;
    return head_.substr(start, head_.find(' ', start) - start);
}

std::string RudeTalk::header(const std::string& name) const {
    for (auto at = head_.find("\r\n"); at != std::string::npos; at = head_.find("\r\n", at + 2)) {
        const auto start = at + 2;
        if (::strncasecmp(head_.c_str() + start, (name + ":").c_str(), name.size() + 1) != 0) continue;
        const auto value = head_.find_first_not_of(' ', start + name.size() + 1);
        return head_.substr(value, head_.find("\r\n", value) - value);
    }
    return {};
}

bool RudeTalk::send(std::string_view bytes) {
    while (!bytes.empty() && open_) {
        const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0)
            open_ = false;
        else
            bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return open_;
}

void RudeTalk::answer(const std::string& status, const std::string& headers, std::string_view body) {
    send("HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers + "\r\n");
    send(body);
}

void RudeTalk::drip(std::string_view bytes, Millis pause) {
    for (std::size_t i = 0; i < bytes.size(); ++i)
        if (!send(bytes.substr(i, 1)) || !server_.pause(pause)) return;
}

void RudeTalk::endless(std::string_view block) {
    while (send(block)) {
    }
}

void RudeTalk::stall() {
    char byte;
    while (open_ && ::recv(fd_, &byte, 1, 0) > 0) {
    }
    open_ = false;
}

void RudeTalk::reset() {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    open_ = false;
}

bool RudeTalk::read_head() {
    for (;;) {
        if (const auto end = buffer_.find("\r\n\r\n"); end != std::string::npos) {
            head_ = buffer_.substr(0, end + 4);
            buffer_.erase(0, end + 4);
            return true;
        }
        char block[4096];
        const auto got = open_ ? ::recv(fd_, block, sizeof block, 0) : 0;
        if (got <= 0) return false;
        buffer_.append(block, static_cast<std::size_t>(got));
    }
}

RudeServer::RudeServer(Script script, const std::string& address) : script_(std::move(script)), address_(address) {
    listener_ = bound_socket(address_, port_);
    if (::listen(listener_, 128) != 0) throw std::runtime_error("cannot listen on loopback");
    acceptor_ = std::thread([this] { accept_all(); });
}

RudeServer::~RudeServer() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
        for (const int fd : sockets_) ::shutdown(fd, SHUT_RDWR);
    }
    ended_.notify_all();
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    for (auto& thread : threads_) thread.join();
    for (const int fd : sockets_) ::close(fd);
    ::close(listener_);
}

std::string RudeServer::url(const std::string& path) const {
    return "http://" + address_ + ":" + std::to_string(port_) + "/" + path;
}

std::vector<std::string> RudeServer::heads() const {
    const std::lock_guard lock(mutex_);
    return heads_;
}

void RudeServer::accept_all() {
    for (;;) {
        const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) return;
        const std::lock_guard lock(mutex_);
        if (ending_) {
            ::close(fd);
            return;
        }
        ++connections_;
        sockets_.push_back(fd);
        threads_.emplace_back([this, fd] { serve(fd); });
    }
}

void RudeServer::serve(int fd) {
    RudeTalk talk(*this, fd);
    while (talk.open_ && talk.read_head()) {
        {
            const std::lock_guard lock(mutex_);
            heads_.push_back(talk.head());
        }
        script_(talk);
    }
    const std::lock_guard lock(mutex_);
    std::erase(sockets_, fd);
    ::close(fd);
}

bool RudeServer::pause(Millis time) {
    std::unique_lock lock(mutex_);
    return !ended_.wait_for(lock, time, [this] { return ending_; });
}

}  // namespace packswarm::test
