// rooms: formats
// A root as apt keeps it, read for its name and date without a look at its signature.
#include <cstdint>
#include <string>

#include "formats/debian/release_root.hpp"

using namespace packswarm;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static_cast<void>(formats::own_copy(std::string_view(reinterpret_cast<const char*>(data), size)));
    return 0;
}
