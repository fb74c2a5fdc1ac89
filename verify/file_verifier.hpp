// FileVerifier: the only maker of VerifiedFile. Hashes a file while its bytes arrive, or vouches for a pacman package
// by its own detached signature. Not here: who the keys are (keyring.hpp). Any thread, one object at a time. Errors:
// Corrupt (other bytes than promised), Refused (no key we may believe), Broken (reading failed).
#pragma once

#include "p2p/base/trusted_file.hpp"
#include "p2p/core/artifact.hpp"
#include "verify/hasher.hpp"
#include "verify/keyring.hpp"

namespace packswarm::verify {

class FileVerifier {
  public:
    FileVerifier(StagedFile file, const Digest& expected) : file_(std::move(file)), expected_(expected) {}

    // The first prefix bytes of the file are there: hashes those not hashed yet.
    Result<void> absorb(ByteCount prefix);
    // Bytes below the prefix were replaced: start again.
    void rewind();
    ByteCount hashed() const { return hashed_; }
    // Hashes what is left. Corrupt, naming both digests, when they differ.
    Result<VerifiedFile> finish();

    // The whole file at once, for imports and for files that somebody else may have touched.
    static Result<VerifiedFile> check_all(StagedFile file, const Digest& expected);

    // A package of an unsigned pacman database: every detached signature good by a key that is valid in the keyring,
    // digest, and pkgname, pkgver and arch of the .PKGINFO inside equal to the entry's. Refused when only keys we do
    // not believe signed it.
    static Result<VerifiedFile> check_package(Keyrings& keyrings, StagedFile file, ByteView signature,
                                              const core::KeyringSpec& keyring, const core::IndexEntry& entry);

  private:
    StagedFile file_;
    Digest expected_;
    Hasher hasher_{HashKind::sha256};
    ByteCount hashed_ = 0;
};

}  // namespace packswarm::verify
