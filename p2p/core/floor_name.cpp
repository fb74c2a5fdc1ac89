#include "p2p/core/floor_name.hpp"

namespace packswarm::core {

FloorName floor_name(const Lineage& lineage, const Digest& product, const std::string& base) {
    return FloorName(fmt::format("{} {:016x} {}", lineage.name(), mark_of(product), base));
}

}  // namespace packswarm::core
