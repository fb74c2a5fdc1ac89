// What binds the keys of an exported keyring together: GPGME does not tell the digest of a self-signature, so the
// packets are read (RFC 4880, 4 and 5). Not here: whether a signature is good, which gpg has decided. Pure. Any thread.
#pragma once

#include <set>

#include "p2p/base/units.hpp"
#include "p2p/core/artifact.hpp"

namespace packswarm::verify {

// Fingerprints of the version 4 keys whose every own signature over a user id, or for a subkey every binding, uses MD5,
// RIPEMD-160, SHA-1 or SHA-224, and of all subkeys of such a primary key. packets: binary; reading ends at the first
// that cannot be read.
std::set<core::Fingerprint> weakly_bound_keys(ByteView packets);

}  // namespace packswarm::verify
