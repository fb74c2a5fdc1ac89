#include "p2p/web/guard.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

namespace packswarm::web {

namespace {

using Bytes16 = std::array<unsigned char, 16>;
constexpr std::array<unsigned char, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::array<unsigned char, 12> translated_prefix{0, 0x64, 0xff, 0x9b};  // 64:ff9b::/96
constexpr std::array<unsigned char, 12> compatible_prefix{};                     // ::/96

// Everything as IPv6; IPv4 in whatever form as ::ffff:a.b.c.d.
std::optional<Bytes16> bytes_of(const sockaddr& address) {
    Bytes16 out{};
    if (address.sa_family == AF_INET) {
        std::copy(mapped_prefix.begin(), mapped_prefix.end(), out.begin());
        std::memcpy(out.data() + 12, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, 4);
        return out;
    }
    if (address.sa_family != AF_INET6) return std::nullopt;
    std::memcpy(out.data(), &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, 16);
    const auto begins_with = [&](const auto& prefix) { return std::equal(prefix.begin(), prefix.end(), out.begin()); };
    const bool is_plain_six =
        begins_with(compatible_prefix) && out[12] == 0 && out[13] == 0 && out[14] == 0;  // :: and ::1
    if (begins_with(translated_prefix) || (begins_with(compatible_prefix) && !is_plain_six))
        std::copy(mapped_prefix.begin(), mapped_prefix.end(), out.begin());
    return out;
}

bool is_reserved(const Bytes16& ip) {
    if (std::equal(mapped_prefix.begin(), mapped_prefix.end(), ip.begin()))
        return ip[12] == 127 || ip[12] == 0 || (ip[12] == 169 && ip[13] == 254) || ip[12] >= 224;
    const bool is_small =
        std::all_of(ip.begin(), ip.begin() + 15, [](unsigned char byte) { return byte == 0; }) && ip[15] <= 1;
    return is_small || ip[0] == 0xff || (ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80);
}

bool is_of_an_interface(const Bytes16& ip) {
    ifaddrs* all = nullptr;
    if (::getifaddrs(&all) != 0) return true;  // not to be told: not asked
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(all, &::freeifaddrs);
    for (const auto* one = all; one != nullptr; one = one->ifa_next)
        if (one->ifa_addr != nullptr && bytes_of(*one->ifa_addr) == ip) return true;
    return false;
}

unsigned port_of(const sockaddr& address) {
    if (address.sa_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
    return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
}

}  // namespace

std::optional<std::string> reason_against(const sockaddr& address, const broker::Guard& guard) {
    const auto ip = bytes_of(address);
    if (!ip) return "an address of another kind";
    if (is_reserved(*ip) || is_of_an_interface(*ip))
        return "it leads to this machine or its link, which are asked for nobody on another machine";
    const auto port = port_of(address);
    if (port == 80 || port == 443 || guard.ports.count(static_cast<std::uint16_t>(port)) != 0) return std::nullopt;
    return fmt::format("port {} is not of a mirror here, nor 80 or 443", port);
}

}  // namespace packswarm::web
