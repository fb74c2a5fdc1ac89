#include "formats/pacman/package_check.hpp"

#include "formats/pacman/pkginfo.hpp"
#include "p2p/base/log.hpp"

namespace packswarm::formats {

namespace {

Result<void> same_package(const PkgInfo& inside, const core::IndexEntry& entry) {
    if (inside.name == entry.name && inside.version == entry.version && inside.architecture == entry.architecture)
        return {};
    return fail(ErrorKind::Corrupt, "{} holds {} {} {}, but the database lists {} {} {}", printable(entry.path),
                printable(inside.name), printable(inside.version), printable(inside.architecture),
                printable(entry.name), printable(entry.version), printable(entry.architecture));
}

Result<void> check_signature(core::Signatures& signatures, const FileHandle& file, ByteCount size, ByteView signature,
                             const core::KeyringSpec& spec) {
    const auto signers = signatures.detached(spec, file, size, signature);
    if (signers) return {};
    // Another source would send the same signature again: what we do not believe here, pacman has to judge.
    if (signers.error().kind == ErrorKind::Absent) return fail(ErrorKind::Refused, "{}", signers.error().message);
    return tl::unexpected(signers.error());
}

}  // namespace

Result<void> check_package(core::Signatures& signatures, const FileHandle& file, ByteCount size, ByteView signature,
                           const core::KeyringSpec& keyring, const core::IndexEntry& entry) {
    if (auto good = check_signature(signatures, file, size, signature, keyring); !good)
        return fail(good.error().kind, "{}: {}", printable(entry.path), good.error().message);
    const auto inside = read_pkginfo(file, size);
    if (!inside) return fail(inside.error().kind, "{}: {}", printable(entry.path), inside.error().message);
    return same_package(*inside, entry);
}

}  // namespace packswarm::formats
