// rooms: verify
// An exported keyring: only fingerprints come out, at most one for each packet.
#include <cstdint>

#include "verify/key_bindings.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace packswarm;
    const auto weak = verify::weakly_bound_keys(ByteView(reinterpret_cast<const char*>(data), size));
    if (weak.size() > size) __builtin_trap();
    for (const auto& key : weak)
        if (key.size() != 40 || key.find_first_not_of("0123456789ABCDEF") != std::string::npos) __builtin_trap();
    return 0;
}
