// Texts of apt's configuration (apt.conf(5)): what its words mean, and how apt-config and the method protocol write
// them. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "p2p/base/units.hpp"

namespace packswarm::core {

// yes, true, on, ... and their opposites; otherwise for all other text.
bool apt_bool(std::string_view text, bool otherwise);
// A number of seconds that fits apt's int; otherwise when it is none.
Seconds apt_seconds(std::string_view text, Seconds otherwise);
std::string percent_decoded(std::string_view text);  // %XX; what is no such escape stays as it is

}  // namespace packswarm::core
