// pacman's root: a sync database, with or without its signature. Not here: reading it (pacman_db.hpp). Any thread.
// Errors: those of FormatRules::open_root.
#pragma once

#include <optional>

#include "p2p/core/signatures.hpp"

namespace packswarm::formats {

// Without a signature only where SigLevel asks for none. Digest and format are left to the caller (index_root.hpp).
Result<core::IndexRoot> open_database(core::Signatures& signatures, const core::Repository& repository, ByteView bytes,
                                      std::optional<ByteView> signature);

}  // namespace packswarm::formats
