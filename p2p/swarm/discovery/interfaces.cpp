#include "p2p/swarm/discovery/interfaces.hpp"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <cstring>
#include <memory>
#include <optional>

namespace packswarm::swarm {

namespace {

std::optional<lt::address> address_of(const sockaddr* address) {
    if (address == nullptr) return std::nullopt;
    if (address->sa_family == AF_INET)
        return lt::address_v4(ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr));
    if (address->sa_family != AF_INET6) return std::nullopt;
    lt::address_v6::bytes_type bytes;
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, bytes.size());
    return lt::address_v6(bytes);
}

}  // namespace

std::set<lt::address> addresses_of(Interfaces which) {
    std::set<lt::address> out;
    ifaddrs* all = nullptr;
    if (::getifaddrs(&all) != 0) return out;
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(all, &::freeifaddrs);
    constexpr unsigned runs = IFF_UP | IFF_RUNNING;
    for (const auto* one = all; one != nullptr; one = one->ifa_next) {
        if (which == Interfaces::running && (one->ifa_flags & runs) != runs) continue;
        if (const auto address = address_of(one->ifa_addr)) out.insert(*address);
    }
    return out;
}

}  // namespace packswarm::swarm
