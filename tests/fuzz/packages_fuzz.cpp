// rooms: formats
// Packages, plain and in every compression: only safe paths and names come out.
#include <cstdint>

#include "formats/debian/packages.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace packswarm;
    const auto index = formats::parse_packages(ByteView(reinterpret_cast<const char*>(data), size));
    if (!index) return 0;
    if (index->left_out.named.size() > index->left_out.count) __builtin_trap();
    for (const auto& entry : index->entries) {
        const bool climbs = ("/" + entry.path + "/").find("/../") != std::string::npos;
        if (entry.path.empty() || entry.path.front() == '/' || climbs || entry.name.find('/') != std::string::npos ||
            entry.size < 0)
            __builtin_trap();
    }
    return 0;
}
