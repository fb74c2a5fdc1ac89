// RepositoryId: names one repository of this machine's configuration, over restarts. Not here: how it is made
// (daemon/repositories.hpp), a repository's name in its own package manager, which is its suite. Any thread.
#pragma once

#include "p2p/base/name.hpp"

namespace packswarm::core {

// "debian:bookworm:amd64:<hash of keyring and bases>", "pacman:core:x86_64:<likewise>"
using RepositoryId = Name<struct RepositoryIdKind>;

}  // namespace packswarm::core
