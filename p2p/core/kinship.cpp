#include "p2p/core/kinship.hpp"

#include <algorithm>

#include "p2p/base/limits.hpp"

namespace packswarm::core {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int number(std::string_view digits) {
    int value = 0;
    for (const char c : digits) value = value * 10 + (c - '0');
    return value;
}

bool is_day(std::string_view digits) {
    const int year = number(digits.substr(0, 4)), month = number(digits.substr(4, 2)),
              day = number(digits.substr(6, 2));
    return year >= 1993 && year < 2100 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

}  // namespace

Mark mark_of(std::string_view text) {
    Mark mark = 14695981039346656037ULL;
    for (const char c : text) mark = (mark ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    return mark;
}

Mark mark_of(const Digest& digest) { return mark_of(digest.raw()); }

Kinship kinship(const Provenance& own, std::optional<WallTime> own_confirmed, const Provenance& other) {
    for (const auto address : own.addresses)
        if (std::find(other.addresses.begin(), other.addresses.end(), address) != other.addresses.end())
            return Kinship::address;
    bool is_shared = false;
    WallTime own_newest{};
    for (const auto& mine : own.contents) {
        own_newest = std::max(own_newest, mine.date);
        is_shared = is_shared || std::any_of(other.contents.begin(), other.contents.end(),
                                             [&](const RootMark& theirs) { return theirs.content == mine.content; });
    }
    if (!is_shared) return Kinship::stranger;
    for (const auto& theirs : other.contents)
        if (theirs.date > own_newest && own_confirmed && *own_confirmed > theirs.date + limits::mirror_lag)
            return Kinship::parted;
    return Kinship::content;
}

bool names_a_day(std::string_view address) {
    constexpr std::size_t length = 8;
    for (std::size_t at = 0; at + length <= address.size(); ++at) {
        const auto digits = address.substr(at, length);
        if (!std::all_of(digits.begin(), digits.end(), is_digit)) continue;
        const bool begins = at == 0 || !is_digit(address[at - 1]);
        const bool ends = at + length == address.size() || !is_digit(address[at + length]);
        if (begins && (ends || address[at + length] == 'T') && is_day(digits)) return true;
    }
    return false;
}

}  // namespace packswarm::core
