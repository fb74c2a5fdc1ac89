#include "formats/pacman/database_root.hpp"

#include "formats/pacman/pacman_db.hpp"
#include "p2p/base/log.hpp"

namespace packswarm::formats {

Result<core::IndexRoot> open_database(core::Signatures& signatures, const core::Repository& repository, ByteView bytes,
                                      std::optional<ByteView> signature) {
    core::IndexRoot root;
    if (!signature && repository.signed_database)
        return fail(ErrorKind::Absent, "{}.db has no signature, but SigLevel asks for one",
                    printable(repository.suite));
    if (signature) {
        auto signers = signatures.detached(repository.keyring, bytes, *signature);
        if (!signers) return tl::unexpected(signers.error());
        root.is_signed = true;
        root.signers = std::move(signers->primaries);
        root.date = signers->signed_at;
    }
    auto database = parse_pacman_db(bytes, signature ? DatabaseBounds() : DatabaseBounds::of_unsigned());
    if (!database) return tl::unexpected(database.error());
    if (!root.is_signed) root.date = database->newest_build;
    root.entries = std::move(database->entries);
    root.left_out = std::move(database->left_out);
    root.suite = repository.suite;
    root.architectures = repository.architectures;
    return root;
}

}  // namespace packswarm::formats
