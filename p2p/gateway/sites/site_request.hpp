// SiteRequest: a request head together with what it means to this agent: which file is asked for, and who asks: a
// package manager with a way of its own, or an owner who chose a name. Not here: HTTP's own rules (head.hpp), getting
// the file (exchange.hpp). Any thread.
#pragma once

#include "p2p/gateway/http/head.hpp"
#include "p2p/gateway/sites/target.hpp"

namespace packswarm::gateway {

struct SiteRequest {
    Head head;
    Target target;
    std::string chosen_name = {};    // of the asker, by its owner; empty: a package manager's usual one
    bool may_be_sent_again = false;  // gives up after some seconds without a byte, and follows where it is sent
};

// As read_head, and the target must be one that is served here.
tl::expected<std::optional<SiteRequest>, Problem> read_site_request(std::string_view bytes, const Door& door);

}  // namespace packswarm::gateway
