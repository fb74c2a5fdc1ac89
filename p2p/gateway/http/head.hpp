// Request heads: from the bytes of a connection to what a server needs to know, checked (RFC 9112). The only use of
// Beast. Not here: what the target means (site_request.hpp). Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "p2p/gateway/http/range.hpp"
#include "p2p/gateway/http/reply.hpp"

namespace packswarm::gateway {

struct Head {
    std::size_t length = 0;           // bytes it took, the empty line included
    std::string spelling;             // the target as it was sent
    std::optional<std::string> host;  // the Host header's value; none: HTTP/1.0 without one
    bool wants_body = true;           // false: HEAD
    bool keep_alive = true;
    std::optional<RangeWish> range;
    std::string if_range;       // a date or a tag: the range counts only for that file; empty: for any
    std::string cache_control;  // empty: none, or one that is not understood
    std::string user_agent;     // as it was sent
    std::optional<WallTime> if_modified_since;

    // Whether the range counts for a file of this date. Entity tags are none of ours.
    bool takes_part_of(std::optional<WallTime> modified) const;
};

// None: the head is not complete yet. A problem is answered and the connection closed. via: our name in Via.
tl::expected<std::optional<Head>, Problem> read_head(std::string_view bytes, std::string_view via);

// May go into a head of our own: short, and of printable characters.
bool is_plain(std::string_view text);

}  // namespace packswarm::gateway
