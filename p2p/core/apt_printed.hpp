// What apt-get prints of the files that it would download (--print-uris): 'ADDRESS' NAME SIZE HASH, one a line. Pure.
// Not here: asking apt (daemon/apt_upgrade.hpp); whether the file is what the address says (the index decides).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "p2p/base/result.hpp"

namespace packswarm::core {

// The addresses, over HTTP(S), in apt's order and encoding. Lines of another form are left out. Refused: more than
// limits::max_printed_packages.
Result<std::vector<std::string>> parse_printed_addresses(std::string_view text);

}  // namespace packswarm::core
