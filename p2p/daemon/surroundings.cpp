#include "p2p/daemon/surroundings.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>

#include <algorithm>
#include <limits>
#include <sstream>

#include "p2p/base/file.hpp"
#include "p2p/base/limits.hpp"

namespace packswarm::daemon {

namespace {

constexpr unsigned long route_up = 0x1, route_reject = 0x200;
constexpr long half = -1;  // the metric of a half of the whole

struct BestRoute {
    long metric = std::numeric_limits<long>::max();
    std::vector<std::string> interfaces;

    void consider(const std::string& interface, long its_metric) {
        if (its_metric > metric) return;
        if (its_metric < metric) interfaces.clear();
        metric = its_metric;
        if (std::find(interfaces.begin(), interfaces.end(), interface) == interfaces.end())
            interfaces.push_back(interface);
    }
};

// Columns: interface, destination, gateway, flags, references, uses, metric, mask, ... Addresses are in the machine's
// byte order.
BestRoute best_ipv4(std::string_view text) {
    BestRoute best;
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string interface, gateway;
        unsigned long destination = 0, flags = 0, mask = 0;
        long references = 0, uses = 0, metric = 0;
        words >> interface >> std::hex >> destination >> gateway >> flags >> std::dec >> references >> uses >> metric >>
            std::hex >> mask;
        if (!words || (flags & route_up) == 0 || (flags & route_reject) != 0) continue;
        const auto bits = ntohl(static_cast<std::uint32_t>(mask));
        if (bits == 0 && destination == 0) best.consider(interface, metric);
        if (bits == 0x80000000U) best.consider(interface, half);
    }
    return best;
}

// Columns: destination, its length, source, its length, next hop, metric, references, uses, flags, interface; all
// numbers hexadecimal.
BestRoute best_ipv6(std::string_view text) {
    BestRoute best;
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string destination, source, next, interface;
        unsigned long length = 0, source_length = 0, metric = 0, references = 0, uses = 0, flags = 0;
        words >> destination >> std::hex >> length >> source >> source_length >> next >> metric >> references >> uses >>
            flags >> interface;
        if (!words || interface == "lo" || (flags & route_up) == 0 || (flags & route_reject) != 0) continue;
        if (length == 0) best.consider(interface, static_cast<long>(metric));
        if (length == 1) best.consider(interface, half);
    }
    return best;
}

}  // namespace

std::vector<std::string> default_interfaces(std::string_view ipv4_routes, std::string_view ipv6_routes) {
    auto out = best_ipv4(ipv4_routes).interfaces;
    for (const auto& name : best_ipv6(ipv6_routes).interfaces)
        if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
    return out;
}

core::Surroundings look_around() {
    core::Surroundings out;
    out.default_interfaces = default_interfaces(read_text("/proc/self/net/route", limits::mib).value_or(""),
                                                read_text("/proc/self/net/ipv6_route", limits::mib).value_or(""));
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return out;
    for (const auto* at = list; at != nullptr; at = at->ifa_next) {
        if (at->ifa_addr == nullptr || (at->ifa_flags & IFF_UP) == 0) continue;
        char text[INET6_ADDRSTRLEN] = "";
        const int family = at->ifa_addr->sa_family;
        if (family == AF_INET)
            ::inet_ntop(family, &reinterpret_cast<const sockaddr_in*>(at->ifa_addr)->sin_addr, text, sizeof text);
        if (family == AF_INET6)
            ::inet_ntop(family, &reinterpret_cast<const sockaddr_in6*>(at->ifa_addr)->sin6_addr, text, sizeof text);
        if (*text != '\0') out.addresses.push_back({at->ifa_name, text});
    }
    ::freeifaddrs(list);
    return out;
}

}  // namespace packswarm::daemon
