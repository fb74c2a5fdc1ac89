// Clearsigned texts (RFC 9580, 7) cut into what was signed and the signatures over it, as apt cuts them: OpenPGP then
// sees a detached signature, so that armor headers, checksums and what a parser makes of them decide nothing. Not here:
// who signed (signature.hpp). Pure. Any thread. Errors: Corrupt.
#pragma once

#include <string>

#include "p2p/base/result.hpp"
#include "p2p/base/units.hpp"

namespace packswarm::verify {

struct Clearsigned {
    std::string text;        // what was signed: dashes unescaped, trailing blanks gone, "\n" between lines only
    std::string signatures;  // one or more armored blocks, as they stand there
};

// One clearsigned message of bounded lines, and nothing around it but blank lines behind it.
Result<Clearsigned> cut_clearsigned(ByteView message);

}  // namespace packswarm::verify
