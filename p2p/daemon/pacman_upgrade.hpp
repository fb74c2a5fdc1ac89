// PacmanUpgrade: what an upgrade of this machine would download, asked of pacman itself: it prints it, as the agent's
// user, without a lock, with a database folder of its own below the agent's: the installed packages by a link to
// pacman's, and the databases of repositories as the agent has them. pacman's folders are read and never written; no
// -y. Not here: when it is asked (upgrade_prefetch.hpp), a pacman that runs already (pacman_prefetch.hpp). Loop's
// thread.
#pragma once

#include <filesystem>
#include <string>

#include "p2p/broker/index_book.hpp"
#include "p2p/daemon/bounded_run.hpp"
#include "p2p/daemon/folder_plan.hpp"

namespace packswarm::daemon {

struct PacmanUpgrade {
    std::filesystem::path folder;  // of the agent
    std::filesystem::path pacman_conf;
    std::string program = "/usr/bin/pacman";

    FolderPlan databases(const broker::IndexBook& book) const;  // of the repositories of pacman whose root is here
    std::filesystem::path databases_folder() const { return folder / "sync"; }
    // The link to what is installed, by pacman.conf's DBPath.
    FolderPlan installed() const;
    BoundedRun::Program printing() const;
};

}  // namespace packswarm::daemon
