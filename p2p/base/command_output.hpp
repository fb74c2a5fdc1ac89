// command_output: what a shell command of our own making writes to standard output. Blocks the calling thread until the
// command ends or has written the most that is taken; a command that may not end brings its own bound (timeout(1)).
#pragma once

#include <string>

#include "p2p/base/units.hpp"

namespace packswarm {

// Empty when it cannot be run.
std::string command_output(const std::string& command, ByteCount most);

}  // namespace packswarm
