// AptUpgrade: what an upgrade of this machine would download, asked of apt itself: apt-get prints it, as the agent's
// user, without a lock, with lists and a cache of its own below the agent's folder. The lists are those that the agent
// has, by links to its store, else apt's own; apt's folders are read and never written. Not here: when it is asked, and
// what becomes of the answer (upgrade_prefetch.hpp). Loop's thread.
#pragma once

#include <filesystem>
#include <string>

#include "p2p/broker/index_book.hpp"
#include "p2p/daemon/bounded_run.hpp"
#include "p2p/daemon/folder_plan.hpp"

namespace packswarm::daemon {

struct AptUpgrade {
    std::filesystem::path folder;  // of the agent: lists and cache below it
    std::filesystem::path apt_dir, dpkg_status, apt_lists;
    std::string program = "/usr/bin/apt-get";

    // Of the repositories of apt whose root is here.
    FolderPlan lists(const broker::IndexBook& book, broker::Store& store, const std::filesystem::path& stored) const;
    std::filesystem::path lists_folder() const { return folder / "lists"; }
    BoundedRun::Program printing() const;
};

}  // namespace packswarm::daemon
