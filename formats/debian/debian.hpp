// The format of Debian's repositories and of those made like them (wiki.debian.org/DebianRepository/Format).
#pragma once

#include "formats/folder_rules.hpp"
#include "p2p/core/format.hpp"

namespace packswarm::formats {

core::Format debian();
const FolderRules& debian_folders();

}  // namespace packswarm::formats
