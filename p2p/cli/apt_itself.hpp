// Which addresses apt's own method takes without asking the agent, and why, by apt's configuration as it stands: the
// rules are those of hooks/apt/route.hpp. Not here: what the agent knows. Errors: none leave; without apt-config
// nothing is known. One thread.
#pragma once

#include <string>
#include <vector>

#include "hooks/apt/options.hpp"
#include "hooks/apt/route.hpp"

namespace packswarm::cli {

struct TakenByApt {
    std::string base;  // a repository's base address
    std::string what;  // "everything", "indexes" or "packages"
    std::string reason;
};

// dump: what `apt-config dump` prints in apt_dump_format.
inline constexpr const char* apt_dump_format = "Config-Item: %F=%V%n";
std::vector<TakenByApt> taken_by_apt(const std::string& dump, const hooks::AptEnvironment& environment,
                                     const std::vector<std::string>& bases);
// The same with this machine's configuration, or that of APT_CONFIG.
std::vector<TakenByApt> taken_by_apt(const std::vector<std::string>& bases);

}  // namespace packswarm::cli
