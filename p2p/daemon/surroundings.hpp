// How this machine is connected now: addresses of its interfaces, and which of them default routes lead through. From
// getifaddrs(3) and /proc/self/net; what cannot be read is absent. Any thread.
#pragma once

#include "p2p/core/sharing_rules.hpp"

namespace packswarm::daemon {

core::Surroundings look_around();

// The interfaces of the best default route of each kind, from the text of /proc/net/route and /proc/net/ipv6_route.
// Halves of the whole (0.0.0.0/1), as tunnels set them, count as default routes that are better than any other.
std::vector<std::string> default_interfaces(std::string_view ipv4_routes, std::string_view ipv6_routes);

}  // namespace packswarm::daemon
