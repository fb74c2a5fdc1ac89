// rooms: formats
// .PKGINFO texts: what comes out can stand in a message and a path.
#include <cstdint>

#include "formats/pacman/pkginfo.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace packswarm;
    const auto info = formats::parse_pkginfo({reinterpret_cast<const char*>(data), size});
    if (info && (info->name.empty() || info->name.find_first_of("/ \n") != std::string::npos)) __builtin_trap();
    return 0;
}
