// AptOptions: settings of apt.conf(5), apt-transport-http(1) and apt-transport-https(1) that change where bytes come
// from, how fast, or whom TLS believes, and that the agent does not keep to: what they are about is apt's own method's.
// docs/apt-options.md lists all of them. Not here: proxies and logins (route.hpp). Any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "hooks/apt/config.hpp"

namespace packswarm::hooks {

enum class AptFileKind { index, archive };  // as the field Index-File of a 600 message says

struct AptFile {
    std::string scheme, host;  // host without the brackets of an IPv6 address
    std::string name;          // the last part of the path
    AptFileKind kind = AptFileKind::archive;
};

// Empty: nothing that is set keeps this file from the agent. Else the reason, which names the option as it was set.
std::string why_apt_itself(const AptConfig& config, const AptFile& file);

// How many methods of one scheme apt would run side by side, one for each host: 1 where a limit counts for all of them
// together.
std::size_t processes_of_apt(const AptConfig& config, const std::string& scheme);

}  // namespace packswarm::hooks
