// From the owner's [[repository]] tables and what apt and pacman are configured to use: the repositories of this agent.
#pragma once

#include "p2p/core/repository_table.hpp"
#include "p2p/daemon/config.hpp"

namespace packswarm::daemon {

struct Repositories {
    core::RepositoryTable table;
    std::vector<std::string> warnings;
};
Repositories gather_repositories(const Config& config);

}  // namespace packswarm::daemon
