// What a pacman package's own signature says. Not here: who the keys are (verify/keyring.hpp), its digest. Any thread.
// Errors: Corrupt (another package, a malformed one), Refused (no key we may believe), Broken (reading failed).
#pragma once

#include "p2p/base/file.hpp"
#include "p2p/base/result.hpp"
#include "p2p/core/signatures.hpp"

namespace packswarm::formats {

// Every detached signature is good by a key that is valid in the keyring, and pkgname, pkgver and arch of the .PKGINFO
// inside are the entry's. Refused when only keys we do not believe signed it.
Result<void> check_package(core::Signatures& signatures, const FileHandle& file, ByteCount size, ByteView signature,
                           const core::KeyringSpec& keyring, const core::IndexEntry& entry);

}  // namespace packswarm::formats
