// pacman's sync databases (alpm-repo-db): a tar of <name>-<version>/desc, plain or compressed with gzip, xz, zstd or
// bzip2. Any thread. Errors: Corrupt (malformed, truncated, over a bound).
#pragma once

#include <string_view>
#include <vector>

#include "p2p/base/result.hpp"
#include "p2p/core/artifact.hpp"

namespace packswarm::verify {

struct PacmanDatabase {
    std::vector<core::IndexEntry> entries;  // packages with %SHA256SUM%; others cannot be told apart by content
    WallTime newest_build{};                // newest %BUILDDATE%; 0 without packages
};

Result<PacmanDatabase> parse_pacman_db(ByteView bytes);
// A desc member: folder is the member's folder, "<name>-<version>", and must agree with the text.
struct PacmanDesc {
    core::IndexEntry entry;
    WallTime build_date{};
    bool has_digest = false;
};
Result<PacmanDesc> parse_desc(std::string_view folder, std::string_view text);

}  // namespace packswarm::verify
