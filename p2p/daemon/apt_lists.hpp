// apt's own copies of root files, below /var/lib/apt/lists: which repository an address had when apt last asked it,
// known before this agent has asked anybody. Not here: believing them (IndexBook looks at nothing but names, date and
// the digest of the text).
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "p2p/core/artifact.hpp"

namespace packswarm::daemon {

// How apt names its copy of an address (apt-pkg/contrib/strutl.cc, URItoFileName):
// "mirror.example_debian_dists_stable_InRelease".
std::string apt_list_name(const std::string& address);
// From the newest of the copies that there are of a Debian repository's root.
std::optional<core::OwnCopy> find_own_copy(const core::Repository& repository, const std::filesystem::path& lists);

}  // namespace packswarm::daemon
