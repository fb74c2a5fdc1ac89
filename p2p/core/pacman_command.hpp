// What a running pacman is about to download can be asked of pacman itself: its command line, taken apart by a strict
// list of what is known to be harmless, becomes one that only prints; and what that prints is read here. Pure, any
// thread. Not here: finding processes, trusting paths, running anything (daemon/pacman_prefetch.hpp).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "p2p/base/result.hpp"
#include "p2p/base/units.hpp"

namespace packswarm::core {

struct PacmanOption {
    std::string name;  // "--config"
    std::string value;
    bool is_path = false;  // names a file or folder that pacman will read: only what root or we own may be given to it
};

struct PacmanCommand {
    int upgrades = 0;  // -u, -uu
    int nodeps = 0;    // -d, -dd
    bool download_only = false, needed = false;
    std::vector<PacmanOption> options;
    std::vector<std::string> targets;
};

// The text of /proc/PID/cmdline. Refused, with what was in the way: anything but a sync operation that downloads,
// options or values that are not on the list (pacman(8) of 6.0 to 7.1; long names in full), targets that are no names.
Result<PacmanCommand> parse_pacman_command(std::string_view cmdline);

// The arguments, argv[0] left out, of a pacman that prints what this one downloads. Such a one needs neither root nor
// the lock.
std::vector<std::string> printing_arguments(const PacmanCommand& command);

struct PrintedPackage {
    std::string repository, file;
    bool is_here = false;  // in pacman's cache already, or on a mirror that is a folder
};

// What it prints. Lines of any other form are left out (warnings stand among them). Refused: more than
// limits::max_printed_packages.
Result<std::vector<PrintedPackage>> parse_printed_packages(std::string_view text);

}  // namespace packswarm::core
