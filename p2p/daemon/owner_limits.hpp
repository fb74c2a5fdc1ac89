// What the owner allows, each limit with its present value and the reason, as parts of the answer to "status"
// (p2p/watch/status.hpp). Loop's thread.
#pragma once

#include "p2p/daemon/owner.hpp"
#include "p2p/watch/status.hpp"

namespace packswarm::daemon {

watch::Sharing sharing_of(const AgentView& agent);
std::vector<watch::Limit> limits_of(const AgentView& agent);

}  // namespace packswarm::daemon
