// FloorName: under which name a floor is kept: of a lineage, a product and the address that showed it. What older
// agents and owners wrote is kept as it stands, so a name is made and compared, and never taken apart. Any thread.
#pragma once

#include <string>

#include "p2p/base/name.hpp"
#include "p2p/core/kinship.hpp"
#include "p2p/core/lineage.hpp"

namespace packswarm::core {

using FloorName = Name<struct FloorNameKind>;

FloorName floor_name(const Lineage& lineage, const Digest& product, const std::string& base);

}  // namespace packswarm::core
