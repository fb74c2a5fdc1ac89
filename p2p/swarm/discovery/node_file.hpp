// The file of DHT nodes that comes with the package: one host:port a line, # begins a comment. Not here: when they are
// asked (dht.hpp). Errors: Absent, or Corrupt with the line, for a file that is not like that.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "p2p/base/result.hpp"

namespace packswarm::swarm {

Result<std::vector<std::string>> parse_nodes(const std::string& text);
Result<std::vector<std::string>> read_nodes(const std::filesystem::path& file);

}  // namespace packswarm::swarm
