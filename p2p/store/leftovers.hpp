// Notes beside staged files: what an unfinished one holds, so that the agent after this one can go on with it. Only the
// name and the age of a note are looked at here; whoever wrote it reads it. Not here: what is worth a note
// (broker/transfer/remains.hpp).
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "p2p/broker/ports/store.hpp"

namespace packswarm::store {

std::filesystem::path note_of(const std::filesystem::path& staged);

struct Leftovers {
    std::vector<broker::Leftover> files;  // newest first, within the bounds of base/limits.hpp
    std::uint64_t last_name = 0;          // the highest number that a staged file has
};
// Everything else in the folder is deleted.
Leftovers read_leftovers(const std::filesystem::path& staging);

}  // namespace packswarm::store
