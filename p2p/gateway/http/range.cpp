#include "p2p/gateway/http/range.hpp"

#include <algorithm>
#include <charconv>

#include "p2p/base/text.hpp"

namespace packswarm::gateway {

namespace {

std::optional<ByteCount> byte_count(std::string_view digits) {
    ByteCount out = 0;
    if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    if (error != std::errc{}) return std::nullopt;
    return out;
}

}  // namespace

std::optional<RangeWish> parse_range(std::string_view text) {
    constexpr std::string_view unit = "bytes=";
    if (text.substr(0, unit.size()) != unit) return std::nullopt;
    text = trimmed(text.substr(unit.size()));
    const auto dash = text.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const auto first = byte_count(text.substr(0, dash)), last = byte_count(text.substr(dash + 1));
    if (dash == 0) return last ? std::optional(RangeWish{{}, {}, *last}) : std::nullopt;
    if (!first || (!last && dash + 1 < text.size())) return std::nullopt;
    if (last && *last < *first) return std::nullopt;
    return RangeWish{first, last, 0};
}

std::optional<ByteRange> lay_on(const RangeWish& wish, ByteCount size) {
    if (!wish.first) {
        if (wish.count == 0 || size == 0) return std::nullopt;
        return ByteRange{size - std::min(wish.count, size), size};
    }
    if (*wish.first >= size) return std::nullopt;
    return ByteRange{*wish.first, wish.last ? std::min(*wish.last, size - 1) + 1 : size};
}

}  // namespace packswarm::gateway
