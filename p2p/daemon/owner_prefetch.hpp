// What the owner asks of upgrades that are fetched ahead, and orders ("prefetch", "prefetch-now", "prefetch-on",
// "prefetch-off"), and their limits as parts of the answer to "status" (p2p/control/README.md). Loop's thread.
#pragma once

#include <string>
#include <vector>

#include "p2p/daemon/upgrade_prefetch.hpp"
#include "p2p/watch/status.hpp"

namespace packswarm::daemon {

std::string answer_of_prefetch(UpgradePrefetch& prefetch, const std::string& operation);  // JSON
std::vector<watch::Limit> prefetch_limits(const UpgradePrefetch& prefetch);               // none while it is off

}  // namespace packswarm::daemon
