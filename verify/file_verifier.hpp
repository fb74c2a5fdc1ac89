// FileVerifier: the only maker of VerifiedFile, hashes a file while its bytes arrive. Any thread, one object at a time.
// Errors: Corrupt (other bytes than promised), Broken (reading failed).
#pragma once

#include "p2p/base/trusted_file.hpp"
#include "verify/hasher.hpp"

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

}  // namespace packswarm::verify
