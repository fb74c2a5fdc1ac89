// Lineages for tests that need some and do not care which.
#pragma once

#include <string>

#include "p2p/core/lineage.hpp"

namespace packswarm::test {

inline core::Lineage lineage_of(const std::string& suite) {
    return core::Lineage::parse("debian/F/" + suite + "/amd64").value();
}

}  // namespace packswarm::test
