// What names, versions and paths of an index may look like before anybody puts them into a path, a message or a log;
// and the number and blank rules that every text format here shares. Pure. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "p2p/base/units.hpp"

namespace packswarm::verify {

// 1 to limits::max_name visible ASCII characters, no '/', not "." or "..".
bool is_safe_name(std::string_view text);
// The path without "./" segments; nullopt when it is absolute, empty, too long, climbs out, or has characters that are
// not visible ASCII (control characters, blanks, and what a terminal or a protocol line could take amiss).
std::optional<std::string> safe_path(std::string_view text);
// Decimal digits only, at most max.
std::optional<ByteCount> parse_count(std::string_view text, ByteCount max);
std::string_view trim(std::string_view text);  // blanks, tabs, carriage returns
// Takes the next line off rest, without its "\n" or "\r\n".
std::string_view take_line(std::string_view& rest);
bool equals_ignoring_case(std::string_view text, std::string_view lower);

}  // namespace packswarm::verify
