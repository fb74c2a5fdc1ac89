// Signatures: who signed something, by the keys of a keyring; filled by verify::Keyrings. A format reads what is signed
// and asks here whether it is. Any thread. Errors: Corrupt (altered or malformed), Absent (only signatures we do not
// believe: another source may have better), Refused (keyring), Broken (gpg).
#pragma once

#include <string>
#include <vector>

#include "p2p/base/file.hpp"
#include "p2p/base/result.hpp"
#include "p2p/core/artifact.hpp"

namespace packswarm::core {

struct Signers {
    // Primary keys with a good signature, sorted; never empty. Of weak keys only when there are no others.
    std::vector<Fingerprint> primaries;
    std::string weakness;  // why some versions of apt would not believe any of them; empty: all would
    WallTime signed_at{};  // newest of the good signatures
};

struct SignedText {
    std::string text;  // exactly what was signed, and a line end
    Signers signers;
};

class Signatures {
  public:
    virtual ~Signatures() = default;
    // One clearsigned message and nothing around it but blank lines.
    virtual Result<SignedText> clearsigned(const KeyringSpec& keyring, ByteView message) = 0;
    // signature is binary or armored.
    virtual Result<Signers> detached(const KeyringSpec& keyring, ByteView data, ByteView signature) = 0;
    virtual Result<Signers> detached(const KeyringSpec& keyring, const FileHandle& data, ByteCount size,
                                     ByteView signature) = 0;
};

}  // namespace packswarm::core
