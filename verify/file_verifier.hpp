// FileVerifier: the only maker of VerifiedFile, hashes a file while its bytes arrive. Beside it, what a pacman
// package's own signature says. Not here: who the keys are (keyring.hpp). Any thread, one object at a time. Errors:
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

  private:
    StagedFile file_;
    Digest expected_;
    Hasher hasher_{HashKind::sha256};
    ByteCount hashed_ = 0;
};

// A pacman package by its own signature: every detached signature good by a key that is valid in the keyring, and
// pkgname, pkgver and arch of the .PKGINFO inside equal to the entry's. Its digest is another matter. Refused when only
// keys we do not believe signed it.
Result<void> check_package(Keyrings& keyrings, const FileHandle& file, ByteCount size, ByteView signature,
                           const core::KeyringSpec& keyring, const core::IndexEntry& entry);

}  // namespace packswarm::verify
