// Terms: what an asker says of a file beside its address: which part, if which file, past which caches, by what name
// (RFC 9110 10.1.5, 13.1.5 and 14.2, RFC 9111 5.2.1). They go to the server of a file that is handed through as they
// are; of all other files the whole is had. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "p2p/base/units.hpp"

namespace packswarm::broker {

// For an asker on another machine: what it may have asked here (web/guard.hpp).
struct Guard {
    std::set<std::uint16_t> ports;  // beside 80 and 443
};

struct Terms {
    std::optional<ByteCount> begin;  // of the part; none: the whole file
    std::optional<ByteCount> end;    // none: to the end of the file
    std::string if_range;            // a date or an entity tag, as the asker spelled it; empty: none
    std::string cache_control;       // empty: none
    std::string user_agent;          // where its owner chose one; empty: a package manager's usual one

    std::optional<Guard> guard;  // none: the asker is on this machine

    bool empty() const { return !begin && cache_control.empty() && user_agent.empty(); }
};

// A part of a file whose whole is elsewhere.
struct Part {
    ByteRange range;  // empty: what was asked for lies outside the file
    ByteCount total = 0;
};

}  // namespace packswarm::broker
