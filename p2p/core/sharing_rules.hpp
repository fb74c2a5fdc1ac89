// SharingRules: what the owner allows to be given, to whom, and why, from what is configured and how the machine is
// connected now. Pure. Not here: how connections are looked at (daemon/surroundings.hpp), who enforces it
// (daemon/sharing_watch.hpp).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "p2p/base/ip_network.hpp"
#include "p2p/base/units.hpp"

namespace packswarm::core {

enum class Audience { nobody, neighbours, everybody };
std::string_view to_string(Audience audience);

struct SharingRules {
    bool is_enabled = true;
    ByteCount monthly_quota = 0;                 // for peers outside the local network; 0: none
    std::vector<std::string> not_on_interfaces;  // names; a '*' at the end stands for any ending
    std::vector<IpNetwork> not_on_networks;
    bool fetch_while_paused = true;
};

// How the machine is connected.
struct Surroundings {
    std::vector<std::string> default_interfaces;  // that the best default routes lead through, IPv4 and IPv6
    struct Address {
        std::string interface, address;
        friend bool operator==(const Address&, const Address&) = default;
    };
    std::vector<Address> addresses;
    friend bool operator==(const Surroundings&, const Surroundings&) = default;
};

struct SharingVerdict {
    Audience audience = Audience::everybody;
    bool may_fetch = true;       // from peers
    std::string reason;          // empty when everybody is given to
    ByteCount each_network = 0;  // most that one network outside the local one is given in a month; 0: no bound
    friend bool operator==(const SharingVerdict&, const SharingVerdict&) = default;
};

// Where the owner wants nothing to be given, by how the machine is connected.
struct PlaceToStayOff {
    std::string limit;   // the option
    std::string reason;  // in words
};
std::optional<PlaceToStayOff> place_to_stay_off(const SharingRules& rules, const Surroundings& now);

// sent: bytes given to peers outside the local network this month.
SharingVerdict judge_sharing(const SharingRules& rules, const Surroundings& now, ByteCount sent);

}  // namespace packswarm::core
