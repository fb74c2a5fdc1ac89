// What this machine calls itself.
#pragma once

#include <string>

namespace packswarm::formats {

std::string machine_name();  // as uname(2): "x86_64", "aarch64"

}  // namespace packswarm::formats
