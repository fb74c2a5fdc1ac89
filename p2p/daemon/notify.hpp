// sd_notify(3)'s datagram without its library: tells the service manager that the agent is ready, reloads or ends.
#pragma once

#include <string_view>

namespace packswarm::daemon {

void notify(std::string_view state);  // nothing happens when nobody asked to be told

}  // namespace packswarm::daemon
