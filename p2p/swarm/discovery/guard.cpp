#include "p2p/swarm/discovery/guard.hpp"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>

namespace packswarm::swarm {

namespace {

using namespace std::chrono_literals;

constexpr auto read_again = 5s;
constexpr int first_unprivileged = 1024;
// "This network", loopback, link-local, multicast and reserved (RFC 6890, RFC 4291).
constexpr std::array never = {"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3",
                              "::",        "::1",         "fe80::/10",      "ff00::/8"};

std::optional<lt::address> address_of(const sockaddr* address) {
    if (address == nullptr) return std::nullopt;
    if (address->sa_family == AF_INET)
        return lt::address_v4(ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr));
    if (address->sa_family != AF_INET6) return std::nullopt;
    lt::address_v6::bytes_type bytes;
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, bytes.size());
    return lt::address_v6(bytes);
}

std::set<lt::address> addresses_of_interfaces() {
    std::set<lt::address> out;
    ifaddrs* all = nullptr;
    if (::getifaddrs(&all) != 0) return out;
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(all, &::freeifaddrs);
    for (const auto* one = all; one != nullptr; one = one->ifa_next)
        if (const auto address = address_of(one->ifa_addr)) out.insert(*address);
    return out;
}

}  // namespace

Guard::Guard(const std::string& listen_address) {
    lt::error_code error;
    const auto own = lt::make_address(listen_address, error);
    for (const auto* text : never) {
        auto range = Networks::parse({text});
        if (range && (error || !range->contains(own))) never_.push_back(std::move(*range));
    }
}

bool Guard::lets(const lt::tcp::endpoint& endpoint, TimePoint now, bool on_link) {
    static const auto link_local = Networks::parse({"169.254.0.0/16", "fe80::/10"});
    const auto address = plain(endpoint.address());
    if (endpoint.port() < first_unprivileged) return false;
    if (on_link && link_local->contains(address)) return !is_own(address, now);
    if (std::any_of(never_.begin(), never_.end(), [&](const auto& range) { return range.contains(address); }))
        return false;
    return address.is_loopback() || !is_own(address, now);
}

bool Guard::is_own(const lt::address& address, TimePoint now) {
    if (own_.empty() || now - read_ > read_again) {
        own_ = addresses_of_interfaces();
        read_ = now;
    }
    return own_.count(address) > 0;
}

}  // namespace packswarm::swarm
