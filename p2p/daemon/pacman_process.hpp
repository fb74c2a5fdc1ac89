// The pacmans that run on this machine and whose transaction may be asked for, as /proc shows them to anybody: root's
// or our own, in our network namespace and in no container, with a command line that core takes and no path in it that
// somebody else could write to. A name and a command line prove nothing: any user can start a set-uid program
// under the name pacman. Any thread.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "p2p/core/pacman_command.hpp"

namespace packswarm::daemon {

struct PacmanProcess {
    int pid = 0;
    std::string started;  // as the kernel counts it: with the pid it names one process for good
    double age_s = 0;
    core::PacmanCommand command;  // its paths without links
};

struct PacmanSearch {
    std::vector<PacmanProcess> found;      // at most 16
    std::vector<std::string> turned_down;  // why, one line each; of the first 16. None of them hides another
};

PacmanSearch find_pacmans(const std::filesystem::path& proc, uid_t own);
bool is_running(const std::filesystem::path& proc, const PacmanProcess& process);

// The path without links, when nobody but root and own can change what it names: neither the file nor a folder above
// it. Refused otherwise.
Result<std::string> trusted_path(const std::string& path, uid_t own);

}  // namespace packswarm::daemon
