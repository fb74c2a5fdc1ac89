// One byte range of a request (RFC 9110 14): parsing it, and laying it on a file whose size is known. Any thread.
#pragma once

#include <optional>
#include <string_view>

#include "p2p/base/units.hpp"

namespace packswarm::gateway {

struct RangeWish {
    std::optional<ByteCount> first;  // none: the last `count` bytes
    std::optional<ByteCount> last;   // inclusive; none: up to the end
    ByteCount count = 0;
};

// Only "bytes=a-b", "bytes=a-" and "bytes=-n"; anything else, several ranges included, is none: the whole file is a
// right answer.
std::optional<RangeWish> parse_range(std::string_view text);
// The bytes meant in a file of that size; none: it lies outside (416).
std::optional<ByteRange> lay_on(const RangeWish& wish, ByteCount size);

}  // namespace packswarm::gateway
