// FolderPlan: what a folder of the agent's own is to hold for another program to read: files with their bytes, and
// links to what lies elsewhere. Errors: Broken (the disk), Refused (something else lies in its place).
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "p2p/base/result.hpp"
#include "p2p/base/units.hpp"

namespace packswarm::daemon {

struct FolderPlan {
    std::map<std::string, Bytes> files;                  // by name
    std::map<std::string, std::filesystem::path> links;  // likewise, and where they lead
};

// In place of the files and links that are there; folders stay. Blocks: for a worker.
Result<void> lay_out(const std::filesystem::path& folder, const FolderPlan& plan);

}  // namespace packswarm::daemon
