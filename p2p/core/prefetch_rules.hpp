// PrefetchRules: whether upgrades may be fetched ahead now, by what the owner allows and how the machine stands, and if
// not, which limit says so; and how long after a new root this machine begins. Pure. Not here: how the machine is
// looked at (daemon/machine_state.hpp), what is fetched (daemon/upgrade_prefetch.hpp).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "p2p/base/digest.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/core/sharing_rules.hpp"

namespace packswarm::core {

struct PrefetchRules {
    bool is_enabled = false;
    bool on_metered = false, on_battery = false, on_vpn = false;
    std::string hours;                           // "01:00-06:00", of the machine's own clock; empty: always
    ByteCount most_disk = 2 * limits::gib;       // of one set of upgrades
    ByteCount monthly_quota = 10 * limits::gib;  // fetched ahead in a month (UTC); 0: no limit
};

// How the machine stands.
struct Circumstances {
    Surroundings network;
    std::optional<bool> is_metered, is_on_battery;  // none: who would know did not answer in time
    int minute_of_day = 0;                          // of the machine's own clock
    bool is_awaited = false;                        // somebody waits for a file
    ByteCount room = 0;                             // of the store, without giving up anything current
    ByteCount month = 0;                            // fetched ahead this month
};

struct PrefetchVerdict {
    bool may_run = true;
    std::string limit;   // the option that says no, or what else does; empty: nothing does
    std::string reason;  // in words
    friend bool operator==(const PrefetchVerdict&, const PrefetchVerdict&) = default;
};

// networks: where the owner lets nothing be given (sharing.not_on_interfaces, sharing.not_on_networks), nothing is
// fetched ahead either.
PrefetchVerdict judge_prefetch(const PrefetchRules& rules, const SharingRules& networks, const Circumstances& now);

// A part of the day in minutes from midnight; the end is not in it, and may lie before the begin: over midnight.
struct DayHours {
    int begin = 0, end = 0;
    bool contains(int minute) const;
    static std::optional<DayHours> parse(std::string_view text);  // "22:30-06:00"; none: it is of another form
};

// By its name alone: tun*, wg*, ppp*, vpn* and ipsec*.
bool is_tunnel(std::string_view interface);

inline constexpr Seconds security_window = Seconds(3600), usual_window = Seconds(6 * 3600);
// Where in a window this machine begins after a new root: machines spread evenly over it, each elsewhere for each root.
// installation: random bytes of this machine, which nobody else is told.
Seconds prefetch_delay(const Digest& installation, const Digest& root, Seconds window);

}  // namespace packswarm::core
