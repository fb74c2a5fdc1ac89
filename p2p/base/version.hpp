// The version that every program of ours says it is; CMakeLists.txt carries the same number.
#pragma once

#include <string_view>

namespace packswarm {

inline constexpr std::string_view program_version = "0.1.0";

}  // namespace packswarm
