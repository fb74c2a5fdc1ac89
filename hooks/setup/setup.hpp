// Setup: what has to be written so that apt or pacman comes to the agent, or the agent looks for others on the
// Internet, and how it is taken back, byte for byte. Planned first (to be shown), applied then. Originals and the
// digests of what was written stand in /etc/packswarm/setup, which only root can change. Not here: printing. Errors:
// Refused with the remedy in the message, Broken for the disk.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "p2p/base/result.hpp"

namespace packswarm::hooks {

enum class Manager { apt, pacman, internet };  // internet: no package manager, but set up like one
enum class PacmanWay { servers, xfer_command };

struct PacmanVersion {
    int major = 0, minor = 0;
    bool has_cache_server() const { return major > 6 || (major == 6 && minor >= 1); }
};

struct SetupOptions {
    std::filesystem::path root = "/";  // every file is looked for and written below it
    std::string program = "/usr/bin/packswarm";
    std::string apt_method = "/usr/libexec/packswarm/packswarm-apt-method";
    std::string socket;                      // empty: the default
    std::string gateway = "127.0.0.1:7878";  // where the agent's gateway listens
    PacmanVersion pacman;
    std::string machine = "x86_64";  // for a pacman.conf that sets no Architecture, where pacman refuses $arch
    PacmanWay way = PacmanWay::servers;
    std::string internet = "find";  // what swarm.internet is to be
};

struct Change {
    std::filesystem::path path;
    std::optional<std::string> before, after;  // nothing: there is no such file
    std::string note;                          // one line for the owner, may be empty
};

// Empty when all is in place already.
Result<std::vector<Change>> plan_setup(Manager manager, const SetupOptions& options);
// Empty when there is nothing of ours. Refused when our lines were edited and can no longer be told from the owner's.
Result<std::vector<Change>> plan_undo(Manager manager, const SetupOptions& options);

Result<void> apply_setup(const std::vector<Change>& changes, const SetupOptions& options);
Result<void> apply_undo(const std::vector<Change>& changes, const SetupOptions& options);

std::string difference(const Change& change);  // unified diff, empty when nothing changes

// Asks the pacman of this machine. Absent: there is none.
Result<PacmanVersion> installed_pacman();

}  // namespace packswarm::hooks
