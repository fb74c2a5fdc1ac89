// Debian's root: an InRelease file, or a Release file with its Release.gpg. Not here: what stands in it (release.hpp).
// Any thread. Errors: those of FormatRules::open_root.
#pragma once

#include <optional>

#include "p2p/core/signatures.hpp"

namespace packswarm::formats {

// InRelease without signature, Release with Release.gpg. Digest and format are left to the caller (index_root.hpp).
Result<core::IndexRoot> open_release(core::Signatures& signatures, const core::Repository& repository, ByteView bytes,
                                     std::optional<ByteView> signature);

// What an InRelease or Release file says that the package manager has checked and keeps. No signature is looked at: it
// tells which repository this machine has there, and makes nobody believe anything.
std::optional<core::OwnCopy> own_copy(std::string_view file);

}  // namespace packswarm::formats
