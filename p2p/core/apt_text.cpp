#include "p2p/core/apt_text.hpp"

#include <charconv>
#include <cstdint>

#include "p2p/base/digest.hpp"
#include "p2p/base/text.hpp"

namespace packswarm::core {

bool apt_bool(std::string_view text, bool otherwise) {
    const auto value = lower(text);
    for (const auto* yes : {"yes", "true", "with", "on", "enable", "1"})
        if (value == yes) return true;
    for (const auto* no : {"no", "false", "without", "off", "disable", "0"})
        if (value == no) return false;
    return otherwise;
}

Seconds apt_seconds(std::string_view text, Seconds otherwise) {
    std::int32_t seconds = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    return error == std::errc() && rest == text.data() + text.size() ? Seconds(seconds) : otherwise;
}

std::string percent_decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        std::uint8_t byte = 0;
        const bool escape = text[i] == '%' && i + 2 < text.size() && from_hex(text.substr(i + 1, 2), &byte, 1);
        out += escape ? static_cast<char>(byte) : text[i];
        if (escape) i += 2;
    }
    return out;
}

}  // namespace packswarm::core
