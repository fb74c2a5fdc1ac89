// Request heads: from the bytes of a connection to what the gateway needs to know, checked (RFC 9112). The only use of Beast.
// Any thread.
#pragma once

#include <optional>
#include <string_view>
#include <tl/expected.hpp>

#include "p2p/gateway/range.hpp"
#include "p2p/gateway/reply.hpp"
#include "p2p/gateway/target.hpp"

namespace packswarm::gateway {

struct Head {
    std::size_t length = 0;  // bytes it took, the empty line included
    Target target;
    std::string spelling;    // the target as it was sent
    bool wants_body = true;  // false: HEAD
    bool keep_alive = true;
    bool may_be_sent_again = false;  // pacman: gives up after ten seconds without a byte, and follows where it is sent
    std::optional<RangeWish> range;
    std::string if_range;                  // a date or a tag: the range counts only for that file; empty: for any
    std::string cache_control;             // empty: none, or one that is not understood
    std::string user_agent;                // that its owner chose; empty: a package manager's usual one
    std::optional<WallTime> if_modified_since;

    // Whether the range counts for a file of this date. Entity tags are none of ours.
    bool takes_part_of(std::optional<WallTime> modified) const;
};

// None: the head is not complete yet. A problem is answered and the connection closed.
tl::expected<std::optional<Head>, Problem> read_head(std::string_view bytes, const Door& door);

}  // namespace packswarm::gateway
