// A root file and its detached signature in one file, so that both travel and are kept under one digest:
// "packswarm-root-1\n", the root's length in decimal, "\n", root, signature. Errors: Corrupt.
#pragma once

#include <optional>

#include "p2p/base/result.hpp"
#include "p2p/base/units.hpp"

namespace packswarm::core {

struct Bundle {
    Bytes root;
    std::optional<Bytes> signature;  // none: the root carries its own (InRelease)
};

Bytes pack_bundle(const Bundle& bundle);  // a root without signature is its own bundle
Result<Bundle> unpack_bundle(Bytes bytes);

}  // namespace packswarm::core
