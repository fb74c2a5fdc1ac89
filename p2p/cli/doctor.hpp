// The doctor's view from outside the agent: its socket, and whether apt and pacman come to it. What only the agent can
// see, it answers itself. Looks, never changes anything. Errors: none leave; each check has its own state. One thread.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "p2p/base/units.hpp"
#include "p2p/cli/answers.hpp"

namespace packswarm::cli {

Check check_socket(const std::string& socket);
std::vector<Check> check_apt(const std::filesystem::path& root);     // empty when there is no apt
std::vector<Check> check_pacman(const std::filesystem::path& root);  // empty when there is no pacman
// Complete .part files in pacman's caches: pacman 6 and 7 ask for the bytes behind their end, are refused, and name
// other reasons. size_of: how large the newest index says a package file is.
using SizeOf = std::function<std::optional<ByteCount>(const std::string& file)>;
std::vector<Check> check_parts(const std::filesystem::path& root, const SizeOf& size_of);

}  // namespace packswarm::cli
