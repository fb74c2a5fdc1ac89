// Small things that every reader of text needs. ASCII only: other bytes stay as they are.
#pragma once

#include <string>
#include <string_view>

namespace packswarm {

std::string lower(std::string_view text);
std::string_view trimmed(std::string_view text);  // without blanks, tabs and line ends around it

}  // namespace packswarm
