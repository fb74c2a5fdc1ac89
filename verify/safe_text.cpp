#include "verify/safe_text.hpp"

#include <algorithm>
#include <charconv>

#include "p2p/base/limits.hpp"

namespace packswarm::verify {

namespace {

bool all_visible(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; });
}

}  // namespace

bool is_safe_name(std::string_view text) {
    return !text.empty() && text.size() <= limits::max_name && all_visible(text) &&
           text.find('/') == std::string_view::npos && text != "." && text != "..";
}

std::optional<std::string> safe_path(std::string_view text) {
    if (text.empty() || text.size() > limits::max_url || text.front() == '/' || !all_visible(text)) return std::nullopt;
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at <= text.size();) {
        const auto end = std::min(text.find('/', at), text.size());
        const auto segment = text.substr(at, end - at);
        if (segment == ".." || (segment.empty() && end == text.size())) return std::nullopt;
        if (segment != ".") {
            if (at > 0 && !out.empty()) out += '/';
            out += segment;
        }
        at = end + 1;
    }
    if (out.empty()) return std::nullopt;
    return out;
}

std::optional<ByteCount> parse_count(std::string_view text, ByteCount max) {
    ByteCount value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || text.front() == '-' || value > max)
        return std::nullopt;
    return value;
}

std::string_view trim(std::string_view text) {
    constexpr std::string_view blanks = " \t\r";
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::string_view take_line(std::string_view& rest) {
    const auto end = std::min(rest.find('\n'), rest.size());
    auto line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
    return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                      [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a) == b; });
}

}  // namespace packswarm::verify
