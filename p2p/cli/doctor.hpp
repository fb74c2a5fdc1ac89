// The doctor's view from outside the agent: its socket, and whether apt and pacman come to it. What only the agent can
// see, it answers itself. Looks, never changes anything. Errors: none leave; each check has its own state. One thread.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "p2p/cli/answers.hpp"

namespace packswarm::cli {

Check check_socket(const std::string& socket);
std::vector<Check> check_apt(const std::filesystem::path& root);     // empty when there is no apt
std::vector<Check> check_pacman(const std::filesystem::path& root);  // empty when there is no pacman

}  // namespace packswarm::cli
