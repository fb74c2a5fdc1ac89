#include "verify/base64.hpp"

#include <openssl/evp.h>

namespace packswarm::verify {

std::optional<std::string> decode_base64(std::string_view text, ByteCount max) {
    if (text.empty() || text.size() % 4 != 0 || static_cast<ByteCount>(text.size()) > max) return std::nullopt;
    std::string out(text.size() / 4 * 3, '\0');
    const int length =
        EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                        reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
    if (length < 0) return std::nullopt;
    const auto padding = text.ends_with("==")  ? 2
                         : text.ends_with('=') ? 1
                                               : 0;  // EVP_DecodeBlock counts it as zero bytes
    out.resize(static_cast<std::size_t>(length - padding));
    return out;
}

}  // namespace packswarm::verify
