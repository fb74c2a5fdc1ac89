// What "packswarm setup internet" says before it asks: who learns what, what is given at most, which ports are open.
// Pure: the agent's own limits come from its answer to status, and without one the usual ones are named.
#pragma once

#include <string>
#include <string_view>

namespace packswarm::cli {

enum class BeFound { no, yes };

std::string internet_question(std::string_view status_json, BeFound be_found);

}  // namespace packswarm::cli
