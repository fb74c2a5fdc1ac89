#include "p2p/core/range_set.hpp"

namespace packswarm::core {

void RangeSet::add(ByteRange range) {
    if (range.empty()) return;
    auto next = ranges_.upper_bound(range.begin);
    if (next != ranges_.begin() && std::prev(next)->second >= range.begin) --next;
    while (next != ranges_.end() && next->first <= range.end) {
        range.begin = std::min(range.begin, next->first);
        range.end = std::max(range.end, next->second);
        total_ -= next->second - next->first;
        next = ranges_.erase(next);
    }
    ranges_[range.begin] = range.end;
    total_ += range.length();
}

void RangeSet::remove(ByteRange range) {
    if (range.empty()) return;
    auto at = ranges_.upper_bound(range.begin);
    if (at != ranges_.begin()) --at;
    while (at != ranges_.end() && at->first < range.end) {
        const auto [begin, end] = *at;
        if (end <= range.begin) {
            ++at;
            continue;
        }
        at = ranges_.erase(at);
        total_ -= end - begin;
        if (begin < range.begin) {
            ranges_[begin] = range.begin;
            total_ += range.begin - begin;
        }
        if (end > range.end) {
            at = ranges_.emplace(range.end, end).first;
            total_ += end - range.end;
            ++at;
        }
    }
}

void RangeSet::remove(const RangeSet& other) {
    for (const auto& [begin, end] : other.ranges_) remove(ByteRange{begin, end});
}

bool RangeSet::covers(ByteRange range) const {
    if (range.empty()) return true;
    auto at = ranges_.upper_bound(range.begin);
    return at != ranges_.begin() && std::prev(at)->second >= range.end;
}

bool RangeSet::touches(ByteRange range) const {
    auto at = ranges_.lower_bound(range.begin);
    if (at != ranges_.end() && at->first < range.end) return true;
    return at != ranges_.begin() && std::prev(at)->second > range.begin;
}

ByteCount RangeSet::prefix() const { return !ranges_.empty() && ranges_.begin()->first == 0 ? ranges_.begin()->second : 0; }

std::vector<ByteRange> RangeSet::ranges() const {
    std::vector<ByteRange> out;
    for (const auto& [begin, end] : ranges_) out.push_back({begin, end});
    return out;
}

std::vector<ByteRange> RangeSet::gaps(ByteRange within) const {
    std::vector<ByteRange> out;
    ByteCount at = within.begin;
    auto next = ranges_.upper_bound(within.begin);
    if (next != ranges_.begin()) at = std::max(at, std::prev(next)->second);
    for (; next != ranges_.end() && next->first < within.end; ++next) {
        if (next->first > at) out.push_back({at, next->first});
        at = next->second;
    }
    if (at < within.end) out.push_back({at, within.end});
    return out;
}

}  // namespace packswarm::core
