#include "p2p/swarm/discovery/resolve.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <libtorrent/error_code.hpp>
#include <thread>

namespace packswarm::swarm {

namespace {

std::vector<lt::address> addresses_of(const std::string& host) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    if (::getaddrinfo(host.c_str(), nullptr, &hints, &list) != 0) return {};
    std::vector<lt::address> out;
    for (const auto* at = list; at != nullptr; at = at->ai_next) {
        char text[NI_MAXHOST];
        lt::error_code error;
        if (::getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0) continue;
        if (const auto address = lt::make_address(text, error); !error) out.push_back(address);
    }
    ::freeaddrinfo(list);
    return out;
}

}  // namespace

void resolve(std::string host, std::function<void(Task)> post, std::function<void(std::vector<lt::address>)> then) {
    std::thread([host = std::move(host), post = std::move(post), then = std::move(then)] {
        post([then, addresses = addresses_of(host)] { then(addresses); });
    }).detach();
}

}  // namespace packswarm::swarm
