// The answer to "status" as types (p2p/watch/status.hpp), gathered from the rooms. Not here: what of it is shown to
// whom (sight.hpp), how it is printed. Loop's thread.
#pragma once

#include "p2p/daemon/owner.hpp"
#include "p2p/watch/status.hpp"

namespace packswarm::daemon {

// started: when the agent did.
watch::Status owner_status(const AgentView& agent, TimePoint started, const Sight& sight);

std::vector<watch::Source> sources_of(const std::vector<broker::SourceShare>& shares);

}  // namespace packswarm::daemon
