// pacman's sync databases (alpm-repo-db): a tar of <name>-<version>/desc, plain or compressed with gzip, xz, zstd or
// bzip2. An odd entry hides no other. Any thread. Errors: Corrupt (no tar, truncated, over a bound of the whole).
#pragma once

#include <string_view>
#include <vector>

#include "p2p/base/limits.hpp"
#include "p2p/base/result.hpp"
#include "p2p/core/artifact.hpp"

namespace packswarm::formats {

struct PacmanDatabase {
    std::vector<core::IndexEntry> entries;
    core::LeftOut left_out;   // malformed, too long, named twice, or without %SHA256SUM%
    WallTime newest_build{};  // newest %BUILDDATE%, of what is left out too; 0 without packages
};

// Of one that nobody signed less is taken: its server writes what it likes.
struct DatabaseBounds {
    ByteCount bytes = limits::max_database;
    std::size_t entries = limits::max_index_entries;
    static DatabaseBounds of_unsigned() { return {limits::max_unsigned_database, limits::max_unsigned_entries}; }
};
Result<PacmanDatabase> parse_pacman_db(ByteView bytes, const DatabaseBounds& bounds = {});
// A desc member: folder is the member's folder, "<name>-<version>", and must agree with the text. problem: why nobody
// may use it.
struct PacmanDesc {
    core::IndexEntry entry;
    WallTime build_date{};
    std::string problem;
};
PacmanDesc read_desc(std::string_view folder, std::string_view text);
// The same, with its problem as an error.
Result<PacmanDesc> parse_desc(std::string_view folder, std::string_view text);

}  // namespace packswarm::formats
