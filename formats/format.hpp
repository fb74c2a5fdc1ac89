// The table of formats: one line registers a distribution, and everything above this room takes it from here. Not here:
// what they are like (debian/, pacman/).
#pragma once

#include "formats/folder_rules.hpp"
#include "p2p/core/format.hpp"

namespace packswarm::formats {

const core::Formats& all();  // in the table's order; the first is what an owner's repository is without a word
core::Format usual();        // that first one

const std::vector<const FolderRules*>& all_folder_rules();
// Of a format that stands in the table.
const FolderRules& folder_rules(core::Format format);

}  // namespace packswarm::formats
