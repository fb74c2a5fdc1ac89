// The answer to "status" as text for people. Makes foreign text printable. Not here: other answers (answers.hpp).
#pragma once

#include <string>

#include "p2p/watch/status.hpp"

namespace packswarm::cli {

std::string show_status(const watch::Status& status);

}  // namespace packswarm::cli
