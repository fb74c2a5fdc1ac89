#include "p2p/base/ip_network.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace packswarm {

namespace {

// The family, or 0 when it is no address. IPv4 mapped into IPv6 is IPv4.
int read_address(const std::string& text, std::array<unsigned char, 16>& out) {
    if (::inet_pton(AF_INET, text.c_str(), out.data()) == 1) return AF_INET;
    if (::inet_pton(AF_INET6, text.c_str(), out.data()) != 1) return 0;
    const std::string mapped = "::ffff:";
    if (text.size() > mapped.size() && text.compare(0, mapped.size(), mapped) == 0 &&
        ::inet_pton(AF_INET, text.c_str() + mapped.size(), out.data()) == 1)
        return AF_INET;
    return AF_INET6;
}

}  // namespace

Result<IpNetwork> IpNetwork::parse(const std::string& text) {
    IpNetwork out;
    out.text_ = text;
    const auto slash = text.find('/');
    out.family_ = read_address(text.substr(0, slash), out.bytes_);
    const int all = out.family_ == AF_INET ? 32 : 128;
    out.bits_ = all;
    bool is_right = out.family_ != 0;
    if (is_right && slash != std::string::npos) {
        const auto* end = text.data() + text.size();
        const auto [rest, error] = std::from_chars(text.data() + slash + 1, end, out.bits_);
        is_right = error == std::errc{} && rest == end && out.bits_ >= 0 && out.bits_ <= all;
    }
    if (!is_right) return fail(ErrorKind::Refused, "'{}' is not a network such as 192.0.2.0/24 or 2001:db8::/32", text);
    return out;
}

bool IpNetwork::contains(const std::string& address) const {
    std::array<unsigned char, 16> bytes{};
    if (read_address(address, bytes) != family_ || family_ == 0) return false;
    for (int bit = 0; bit < bits_; ++bit) {
        const auto mask = static_cast<unsigned char>(0x80 >> bit % 8);
        const auto at = static_cast<std::size_t>(bit / 8);
        if ((bytes[at] & mask) != (bytes_[at] & mask)) return false;
    }
    return true;
}

std::string network_of(const std::string& address, int bits_of_ipv4, int bits_of_ipv6) {
    std::array<unsigned char, 16> bytes{};
    const int family = read_address(address, bytes);
    if (family == 0) return address;
    const int bits = family == AF_INET ? bits_of_ipv4 : bits_of_ipv6;
    for (int at = 0; at < 16; ++at) {
        const int left = std::clamp(bits - 8 * at, 0, 8);
        bytes[static_cast<std::size_t>(at)] &= static_cast<unsigned char>(0xff << (8 - left));
    }
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(family, bytes.data(), text.data(), text.size());
    return std::string(text.data()) + "/" + std::to_string(bits);
}

}  // namespace packswarm
