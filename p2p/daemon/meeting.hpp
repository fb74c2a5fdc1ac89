// Meeting: whom this agent can meet, in words for its owner: how far others are looked for, and whether they reach it.
// Pure. Not here: looking for them (swarm), printing (cli).
#pragma once

#include <string>

#include "p2p/daemon/config.hpp"
#include "p2p/swarm/discovery_view.hpp"

namespace packswarm::daemon {

struct Meeting {
    bool lan = true, named = false, dht = false, trackers = false;
    swarm::Internet internet = swarm::Internet::off;
    std::size_t linked = 0, linked_far = 0;  // agents, and those outside the local network
    std::size_t dht_nodes = 0;
    bool was_reached = false;
    int mapped_port = 0;

    bool is_lan_only() const { return internet == swarm::Internet::off && !dht && !trackers; }
};

Meeting meeting_of(const Config& config, const swarm::DiscoveryView& view);  // but for who is linked

std::string scope_text(const Meeting& meeting);  // where others are looked for
std::string reach_text(const Meeting& meeting);  // empty: only the local network matters

struct MeetingCheck {
    const char* state;
    std::string message, remedy;
};
MeetingCheck check_meeting(const Meeting& meeting);  // "ok" only when somebody is linked

}  // namespace packswarm::daemon
