// Units as types: bytes, byte rates, byte ranges, monotonic and wall time, and the two shapes of raw bytes.
// Any thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <compare>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace packswarm {

using ByteCount = std::int64_t;  // a number of bytes, never negative once validated

using Bytes = std::vector<char>;         // owned bytes; moved, seldom copied
using ByteView = std::span<const char>;  // borrowed bytes

inline ByteView as_bytes(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view as_text(ByteView bytes) { return {bytes.data(), bytes.size()}; }

// Half-open range [begin, end) of byte offsets inside one file.
struct ByteRange {
    ByteCount begin = 0;
    ByteCount end = 0;
    ByteCount length() const { return end - begin; }
    bool empty() const { return end <= begin; }
    bool contains(ByteCount offset) const { return offset >= begin && offset < end; }
    friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

struct ByteRate {
    double per_second = 0;
    friend auto operator<=>(const ByteRate&, const ByteRate&) = default;
};

using Millis = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;
using TimePoint = std::chrono::steady_clock::time_point;  // monotonic: for deadlines and rates
using WallTime = std::chrono::sys_seconds;                // UTC: for dates that others signed or sent

inline double seconds_between(TimePoint from, TimePoint to) { return std::chrono::duration<double>(to - from).count(); }

}  // namespace packswarm
