// rooms: verify
// A clearsigned text, cut: the parts are no longer than the whole, and hold no line end but "\n".
#include <cstdint>
#include <cstdlib>
#include <string>

#include "verify/clearsigned.hpp"

using namespace packswarm;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto cut = verify::cut_clearsigned(as_bytes(text));
    if (!cut) return 0;
    if (cut->text.size() > size || cut->signatures.size() > size + 1) std::abort();
    if (cut->signatures.find("-----BEGIN PGP SIGNATURE-----") == std::string::npos) std::abort();
    return 0;
}
