#include "verify/file_verifier.hpp"

#include <algorithm>

namespace packswarm::verify {

Result<void> FileVerifier::absorb(ByteCount prefix) {
    prefix = std::min(prefix, file_.size());
    if (prefix <= hashed_) return {};
    auto read = hash_range(file_.handle(), {hashed_, prefix}, hasher_);
    if (!read) {
        rewind();  // part of the range may have been hashed
        return read;
    }
    hashed_ = prefix;
    return {};
}

void FileVerifier::rewind() {
    hasher_ = Hasher(HashKind::sha256);
    hashed_ = 0;
}

Result<VerifiedFile> FileVerifier::finish() {
    if (auto rest = absorb(file_.size()); !rest) return tl::unexpected(rest.error());
    const auto got = Digest::from_raw(hasher_.finish().data());
    rewind();
    if (got == expected_) return VerifiedFile(file_, expected_);
    // A name does not tell which of the two it is. The other is computed for what has it, and for what somebody
    // spoiled.
    Hasher other(HashKind::sha512);
    if (auto read = hash_range(file_.handle(), {0, file_.size()}, other); !read) return tl::unexpected(read.error());
    if (Digest::from_raw(other.finish().data()) == expected_) return VerifiedFile(file_, expected_);
    return fail(ErrorKind::Corrupt, "wrong bytes: SHA-256 is {}, expected {}", got.hex(), expected_.hex());
}

Result<VerifiedFile> FileVerifier::check_all(StagedFile file, const Digest& expected) {
    return FileVerifier(std::move(file), expected).finish();
}

}  // namespace packswarm::verify
