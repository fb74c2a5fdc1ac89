#include "verify/file_verifier.hpp"

#include <algorithm>

#include "p2p/base/log.hpp"
#include "verify/pkginfo.hpp"
#include "verify/signature.hpp"

namespace packswarm::verify {

namespace {

Result<void> same_package(const PkgInfo& inside, const core::IndexEntry& entry) {
    if (inside.name == entry.name && inside.version == entry.version && inside.architecture == entry.architecture)
        return {};
    return fail(ErrorKind::Corrupt, "{} holds {} {} {}, but the database lists {} {} {}", printable(entry.path),
                printable(inside.name), printable(inside.version), printable(inside.architecture),
                printable(entry.name), printable(entry.version), printable(entry.architecture));
}

Result<void> check_signature(Keyrings& keyrings, const FileHandle& file, ByteCount size, ByteView signature,
                             const core::KeyringSpec& spec) {
    const auto keyring = keyrings.get(spec);
    if (!keyring) return tl::unexpected(keyring.error());
    const auto signers = verify_detached(*keyring, file, size, signature);
    if (signers) return {};
    // Another source would send the same signature again: what we do not believe here, pacman has to judge.
    if (signers.error().kind == ErrorKind::Absent) return fail(ErrorKind::Refused, "{}", signers.error().message);
    return tl::unexpected(signers.error());
}

}  // namespace

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

Result<void> check_package(Keyrings& keyrings, const FileHandle& file, ByteCount size, ByteView signature,
                           const core::KeyringSpec& keyring, const core::IndexEntry& entry) {
    if (auto good = check_signature(keyrings, file, size, signature, keyring); !good)
        return fail(good.error().kind, "{}: {}", printable(entry.path), good.error().message);
    const auto inside = read_pkginfo(file, size);
    if (!inside) return fail(inside.error().kind, "{}: {}", printable(entry.path), inside.error().message);
    return same_package(*inside, entry);
}

}  // namespace packswarm::verify
