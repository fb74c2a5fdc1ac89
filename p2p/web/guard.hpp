// Guard: which servers are asked for somebody on another machine, who could not reach this machine's own services or
// its neighbours on the link himself. Held against each address that a connection is about to be made to, so that
// names, redirects and mapped addresses are all seen through. Any thread.
#pragma once

#include <sys/socket.h>

#include <optional>
#include <string>

#include "p2p/broker/terms.hpp"

namespace packswarm::web {

// Why it may not be asked; none: it may. Of this machine: loopback, unspecified, link-local, multicast, and the
// addresses of its interfaces; IPv4 inside IPv6 (RFC 4291 2.5.5, RFC 6052) counts as what it maps to.
std::optional<std::string> reason_against(const sockaddr& address, const broker::Guard& guard);

}  // namespace packswarm::web
