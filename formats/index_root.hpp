// open_root: from the bytes of a repository's root file to an IndexRoot whose signature, keys and suite were checked,
// by the rules of its format. Not here: age and rollback (core/freshness.hpp). Any thread. Errors: those of
// FormatRules::open_root.
#pragma once

#include <optional>

#include "p2p/core/signatures.hpp"

namespace packswarm::formats {

// signature: the detached one, for a root that does not carry its own.
Result<core::IndexRoot> open_root(core::Signatures& signatures, const core::Repository& repository, ByteView root,
                                  std::optional<ByteView> signature);

}  // namespace packswarm::formats
