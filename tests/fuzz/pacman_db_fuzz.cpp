// rooms: formats
// pacman databases: as a compressed or plain tar, and the same bytes as the text of one desc.
#include <cstdint>

#include "formats/pacman/pacman_db.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace packswarm;
    const ByteView bytes(reinterpret_cast<const char*>(data), size);
    const auto database = formats::parse_pacman_db(bytes);
    if (database)
        for (const auto& entry : database->entries)
            if (entry.path.empty() || entry.path.front() == '.' || entry.path.find('/') != std::string::npos ||
                entry.size < 0)
                __builtin_trap();
    (void)formats::parse_desc("tool-1.2-1", as_text(bytes));
    return 0;
}
