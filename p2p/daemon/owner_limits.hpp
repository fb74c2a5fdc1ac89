// What the owner allows, each limit with its present value and the reason, as parts of the answer to "status"
// (p2p/control/README.md gives the fields). Loop's thread.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "p2p/daemon/owner.hpp"

namespace packswarm::daemon {

nlohmann::json sharing_of(const House& house);
nlohmann::json limits_of(const House& house);

}  // namespace packswarm::daemon
