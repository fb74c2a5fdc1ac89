#include "p2p/swarm/channel/no_delay.hpp"

#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <charconv>
#include <cstring>
#include <memory>

namespace packswarm::swarm {

namespace {

bool is_end(const lt::tcp::endpoint& wanted, int (*name)(int, sockaddr*, socklen_t*), int fd) {
    lt::tcp::endpoint is;
    socklen_t size = static_cast<socklen_t>(is.capacity());
    if (name(fd, is.data(), &size) != 0 || (is.data()->sa_family != AF_INET && is.data()->sa_family != AF_INET6))
        return false;
    is.resize(size);
    return is == wanted;
}

}  // namespace

bool no_delay(const lt::tcp::endpoint& local, const lt::tcp::endpoint& remote) {
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc/self/fd"), &::closedir);
    while (const auto* entry = folder ? ::readdir(folder.get()) : nullptr) {
        int fd = -1;
        const char* end = entry->d_name + std::strlen(entry->d_name);
        if (std::from_chars(entry->d_name, end, fd).ptr != end) continue;
        if (!is_end(remote, &::getpeername, fd) || !is_end(local, &::getsockname, fd)) continue;
        const int on = 1;
        return ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0;
    }
    return false;
}

}  // namespace packswarm::swarm
