// open_root: from the bytes of a repository's root file to an IndexRoot whose signature, keys and suite were checked.
// Not here: age and rollback (core/freshness.hpp). Any thread.
// Errors: Corrupt (altered, malformed, another suite's), Absent (not signed by a key we believe), Refused (keyring),
// Broken (gpg).
#pragma once

#include <optional>

#include "p2p/base/result.hpp"
#include "p2p/core/artifact.hpp"
#include "verify/keyring.hpp"

namespace packswarm::formats {

// Debian: InRelease without signature, or Release with Release.gpg. pacman: .db with or without .db.sig.
Result<core::IndexRoot> open_root(verify::Keyrings& keyrings, const core::Repository& repository, ByteView root,
                                  std::optional<ByteView> signature);

// What an InRelease or Release file says that the package manager has checked and keeps. No signature is looked at: it
// tells which repository this machine has there, and makes nobody believe anything.
std::optional<core::OwnCopy> own_copy(std::string_view file);

}  // namespace packswarm::formats
