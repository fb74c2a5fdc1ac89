// From the owner's [[repository]] tables and what apt and pacman are configured to use: the repositories of this agent.
#pragma once

#include <filesystem>
#include <set>

#include "p2p/core/proxy_rules.hpp"
#include "p2p/core/repository_table.hpp"
#include "p2p/daemon/config.hpp"

namespace packswarm::daemon {

struct Repositories {
    core::RepositoryTable table;
    std::vector<std::string> warnings;
    core::ProxyRules proxies;                 // of apt: whom the agent never asks
    std::set<std::filesystem::path> folders;  // to be watched for changes of the sources
};
Repositories gather_repositories(const Config& config);

// Everything that the table says, to see whether another one says something else.
std::string description_of(const core::RepositoryTable& table);

}  // namespace packswarm::daemon
