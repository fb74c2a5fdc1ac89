// The format of pacman's repositories (alpm-repo(7)).
#pragma once

#include "formats/folder_rules.hpp"
#include "p2p/core/format.hpp"

namespace packswarm::formats {

core::Format pacman();
const FolderRules& pacman_folders();

}  // namespace packswarm::formats
