// OpenPGP signatures through GPGME: clearsigned texts (clearsigned.hpp) and detached signatures, good only by keys the
// keyring allows. Not accepted: expired, revoked or unknown keys, MD5, SHA-1 and RIPEMD-160, and any file with a
// signature that is bad. Any thread. Errors: Corrupt (altered or malformed), Absent (only signatures we do not believe:
// another source may have better), Broken (gpg).
#pragma once

#include "p2p/base/file.hpp"
#include "p2p/base/result.hpp"
#include "p2p/core/signatures.hpp"
#include "verify/keyring.hpp"

namespace packswarm::verify {

using core::SignedText;
using core::Signers;

// One clearsigned message and nothing around it but blank lines.
Result<SignedText> verify_clearsigned(const Keyring& keyring, ByteView message);
// signature is binary or armored.
Result<Signers> verify_detached(const Keyring& keyring, ByteView data, ByteView signature);
Result<Signers> verify_detached(const Keyring& keyring, const FileHandle& data, ByteCount size, ByteView signature);

}  // namespace packswarm::verify
