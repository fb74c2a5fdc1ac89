// PkgInfo: what a pacman package says it is, from the .PKGINFO member near its start (alpm-pkginfo).
// Any thread. Errors: Corrupt (not a package, no or malformed .PKGINFO, over a bound), Broken (reading failed).
#pragma once

#include <string>
#include <string_view>

#include "p2p/base/file.hpp"
#include "p2p/base/result.hpp"

namespace packswarm::formats {

struct PkgInfo {
    std::string name, version, architecture;
};

Result<PkgInfo> parse_pkginfo(std::string_view text);
Result<PkgInfo> read_pkginfo(const FileHandle& package, ByteCount size);

}  // namespace packswarm::formats
