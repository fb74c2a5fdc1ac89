#include "p2p/base/log.hpp"

namespace packswarm {

std::string printable(std::string_view text, std::size_t max_length) {
    std::string out;
    for (const char c : text.substr(0, max_length)) {
        if (c >= 32 && c < 127 && c != '\\')
            out += c;
        else
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
    if (text.size() > max_length) out += "...";
    return out;
}

}  // namespace packswarm
