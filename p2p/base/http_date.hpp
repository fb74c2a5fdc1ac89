// HTTP dates in their one current form, "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7). The two obsolete forms read
// as none. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "p2p/base/units.hpp"

namespace packswarm {

std::string http_date(WallTime time);
std::optional<WallTime> parse_http_date(std::string_view text);

}  // namespace packswarm
