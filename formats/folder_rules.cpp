#include "formats/folder_rules.hpp"

#include "p2p/base/file.hpp"

namespace packswarm::formats {

bool is_there(const std::filesystem::path& path) {
    std::error_code ignored;
    return std::filesystem::is_regular_file(path, ignored);
}

Result<Bytes> read_bytes(const std::filesystem::path& path, ByteCount max_bytes) {
    auto text = read_text(path, max_bytes);
    if (!text) return tl::unexpected(text.error());
    return Bytes(text->begin(), text->end());
}

}  // namespace packswarm::formats
