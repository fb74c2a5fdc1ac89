// Base64 (RFC 4648) without line ends. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "p2p/base/units.hpp"

namespace packswarm::verify {

// None for what is no base64, for nothing at all, and for more than max characters.
std::optional<std::string> decode_base64(std::string_view text, ByteCount max);

}  // namespace packswarm::verify
