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
    std::optional<RangeWish> range;             // already none where If-Range cannot be met
    std::optional<WallTime> if_range;           // the range counts only for a file of this date
    std::optional<WallTime> if_modified_since;
};

// None: the head is not complete yet. A problem is answered and the connection closed.
tl::expected<std::optional<Head>, Problem> read_head(std::string_view bytes, const Door& door);

}  // namespace packswarm::gateway
