// The texts that setup writes: apt's configuration file, pacman's hook, and the marked lines inside pacman.conf and
// packswarm.toml. Pure. Errors: Refused for a file that says something else already.
#pragma once

#include <string>
#include <string_view>

#include "hooks/setup/setup.hpp"

namespace packswarm::hooks {

std::string apt_conf_text(const SetupOptions& options);
std::string pacman_hook_text(const SetupOptions& options);

// pacman.conf and packswarm.toml with our lines between marks; without_marks() gives back exactly what it was made
// from.
Result<std::string> marked_pacman_conf(std::string_view text, const SetupOptions& options);
Result<std::string> marked_agent_conf(std::string_view text, const SetupOptions& options);
// Refused when a mark stands alone, so that what belongs to us can no longer be told.
Result<std::string> without_marks(std::string_view text);
bool has_marks(std::string_view text);

}  // namespace packswarm::hooks
