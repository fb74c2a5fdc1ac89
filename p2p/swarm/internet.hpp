// Internet: how far beyond the local network, and beyond what the owner named, other agents are looked for. One word of
// the owner instead of several options. Pure, any thread.
#pragma once

#include <string>
#include <string_view>

#include "p2p/base/result.hpp"

namespace packswarm::swarm {

// off: nowhere. find: the DHT is asked and nothing is announced there; who is behind a router of its own is met through
// a common friend. find_and_be_found: announced too, and routers are asked to open the port.
enum class Internet { off, find, find_and_be_found };

std::string_view to_string(Internet internet);  // "off", "find", "find-and-be-found"
Result<Internet> parse_internet(std::string_view text);

}  // namespace packswarm::swarm
