// Gives up root for good, as apt's own methods do (APT::Sandbox::User). Not here: when to do it.
// Errors: Broken when the user does not exist or the kernel refuses. Any thread, before others start.
#pragma once

#include <string>

#include "p2p/base/result.hpp"

namespace packswarm::hooks {

// Nothing happens for an empty name, for "root", and when this process is not root.
Result<void> become_user(const std::string& name);

}  // namespace packswarm::hooks
