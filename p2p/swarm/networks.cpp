#include "p2p/swarm/networks.hpp"

#include <algorithm>
#include <charconv>

namespace packswarm::swarm {

namespace {

Result<int> number(std::string_view text, int max) {
    int value = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < 0 || value > max)
        return fail(ErrorKind::Refused, "'{}' is not a number from 0 to {}", text, max);
    return value;
}

// The first and the last address that share the leading bits.
template <class Bytes>
std::pair<Bytes, Bytes> bounds(Bytes bytes, int bits) {
    Bytes first = bytes;
    Bytes last = bytes;
    for (int bit = bits; bit < static_cast<int>(bytes.size()) * 8; ++bit) {
        const auto mask = static_cast<unsigned char>(0x80 >> (bit % 8));
        first[static_cast<std::size_t>(bit / 8)] &= static_cast<unsigned char>(~mask);
        last[static_cast<std::size_t>(bit / 8)] |= mask;
    }
    return {first, last};
}

}  // namespace

Result<Networks::Range> Networks::parse_one(const std::string& text) {
    const auto slash = text.find('/');
    lt::error_code error;
    const auto address = lt::make_address(text.substr(0, slash), error);
    if (error) return fail(ErrorKind::Refused, "'{}' is not a network such as 192.0.2.0/24 or 2001:db8::/32", text);
    const int all = address.is_v4() ? 32 : 128;
    int bits = all;
    if (slash != std::string::npos) {
        const auto given = number(std::string_view(text).substr(slash + 1), all);
        if (!given) return fail(ErrorKind::Refused, "network '{}': {}", text, given.error().message);
        bits = *given;
    }
    if (address.is_v4()) {
        const auto [first, last] = bounds(address.to_v4().to_bytes(), bits);
        return Range{lt::address_v4(first), lt::address_v4(last)};
    }
    const auto [first, last] = bounds(address.to_v6().to_bytes(), bits);
    return Range{lt::address_v6(first), lt::address_v6(last)};
}

Result<Networks> Networks::parse(const std::vector<std::string>& texts) {
    Networks out;
    for (const auto& text : texts) {
        const auto range = parse_one(text);
        if (!range) return tl::unexpected(range.error());
        out.ranges_.push_back(*range);
    }
    return out;
}

bool Networks::contains(const lt::address& address) const {
    const auto wanted = plain(address);
    return std::any_of(ranges_.begin(), ranges_.end(), [&](const Range& range) {
        return range.first.is_v4() == wanted.is_v4() && range.first <= wanted && wanted <= range.last;
    });
}

void Networks::mark(lt::ip_filter& filter, std::uint32_t flags) const {
    for (const auto& range : ranges_) filter.add_rule(range.first, range.last, flags);
}

lt::address plain(const lt::address& address) {
    if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6());
}

std::string endpoint_text(const lt::address& address, int port) {
    if (address.is_v6()) return fmt::format("[{}]:{}", address.to_string(), port);
    return fmt::format("{}:{}", address.to_string(), port);
}

Result<std::pair<std::string, int>> split_endpoint(const std::string& text) {
    const auto colon = text.rfind(':');
    if (colon == std::string::npos || colon == 0) return fail(ErrorKind::Refused, "'{}' is not host:port", text);
    const auto port = number(std::string_view(text).substr(colon + 1), 65535);
    if (!port || *port == 0) return fail(ErrorKind::Refused, "'{}' has no port from 1 to 65535", text);
    std::string host = text.substr(0, colon);
    if (host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    else if (host.find(':') != std::string::npos)
        return fail(ErrorKind::Refused, "'{}': IPv6 addresses stand in brackets", text);
    if (host.empty()) return fail(ErrorKind::Refused, "'{}' is not host:port", text);
    return std::pair{host, *port};
}

}  // namespace packswarm::swarm
