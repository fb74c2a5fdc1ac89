#include "p2p/core/range_set.hpp"

#include <algorithm>

namespace packswarm::core {

RangeSet::At RangeSet::first_beyond(ByteCount at) const {
    return std::partition_point(ranges_.begin(), ranges_.end(),
                                [at](const ByteRange& range) { return range.end <= at; });
}

void RangeSet::add(ByteRange range) {
    if (range.empty()) return;
    const auto first = first_beyond(range.begin - 1);  // who ends where the new one begins is joined with it
    auto last = first;
    for (; last != ranges_.end() && last->begin <= range.end; ++last) {
        range.begin = std::min(range.begin, last->begin);
        range.end = std::max(range.end, last->end);
        total_ -= last->length();
    }
    total_ += range.length();
    if (first == last) {
        ranges_.insert(first, range);
        return;
    }
    const auto kept = ranges_.begin() + (first - ranges_.cbegin());
    *kept = range;
    ranges_.erase(first + 1, last);
}

void RangeSet::remove(ByteRange range) {
    if (range.empty()) return;
    const auto first = first_beyond(range.begin);
    auto last = first;
    std::vector<ByteRange> rest;  // of the first and of the last that are touched
    for (; last != ranges_.end() && last->begin < range.end; ++last) {
        total_ -= last->length();
        if (last->begin < range.begin) rest.push_back({last->begin, range.begin});
        if (last->end > range.end) rest.push_back({range.end, last->end});
    }
    for (const auto& one : rest) total_ += one.length();
    const auto at = ranges_.erase(first, last);
    ranges_.insert(at, rest.begin(), rest.end());
}

void RangeSet::remove(const RangeSet& other) {
    for (const auto& range : other.ranges_) remove(range);
}

bool RangeSet::covers(ByteRange range) const {
    if (range.empty()) return true;
    const auto at = first_beyond(range.begin);
    return at != ranges_.end() && at->begin <= range.begin && at->end >= range.end;
}

bool RangeSet::touches(ByteRange range) const {
    const auto at = first_beyond(range.begin);
    return !range.empty() && at != ranges_.end() && at->begin < range.end;
}

ByteCount RangeSet::prefix() const { return !ranges_.empty() && ranges_.front().begin == 0 ? ranges_.front().end : 0; }

std::vector<ByteRange> RangeSet::gaps(ByteRange within) const {
    std::vector<ByteRange> out;
    ByteCount at = within.begin;
    for (auto next = first_beyond(within.begin); next != ranges_.end() && next->begin < within.end; ++next) {
        if (next->begin > at) out.push_back({at, next->begin});
        at = next->end;
    }
    if (at < within.end) out.push_back({at, within.end});
    return out;
}

}  // namespace packswarm::core
