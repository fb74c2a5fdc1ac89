#include "p2p/core/sharing_rules.hpp"

#include <algorithm>

#include "p2p/base/limits.hpp"

namespace packswarm::core {

namespace {

// So many networks have to take their whole part before the month is used up; a part is worth an upgrade of a system.
constexpr ByteCount networks = 10;
constexpr ByteCount least_part = limits::gib;

bool matches(const std::string& pattern, const std::string& name) {
    if (!pattern.ends_with('*')) return pattern == name;
    return name.starts_with(std::string_view(pattern).substr(0, pattern.size() - 1));
}

}  // namespace

std::optional<PlaceToStayOff> place_to_stay_off(const SharingRules& rules, const Surroundings& now) {
    const std::string interfaces = "sharing.not_on_interfaces", addresses = "sharing.not_on_networks";
    for (const auto& name : now.default_interfaces)
        for (const auto& pattern : rules.not_on_interfaces)
            if (matches(pattern, name))
                return PlaceToStayOff{interfaces,
                                      name + " is in " + interfaces + (pattern == name ? "" : " (" + pattern + ")")};
    for (const auto& one : now.addresses)
        for (const auto& network : rules.not_on_networks)
            if (network.contains(one.address))
                return PlaceToStayOff{
                    addresses, one.address + " on " + one.interface + " is in " + network.text() + " of " + addresses};
    return std::nullopt;
}

std::string_view to_string(Audience audience) {
    switch (audience) {
        case Audience::nobody:
            return "nobody";
        case Audience::neighbours:
            return "neighbours";
        case Audience::everybody:
            return "everybody";
    }
    return "nobody";
}

SharingVerdict judge_sharing(const SharingRules& rules, const Surroundings& now, ByteCount sent) {
    if (!rules.is_enabled) return {Audience::nobody, true, "sharing.enabled is false"};
    if (auto place = place_to_stay_off(rules, now))
        return {Audience::nobody, rules.fetch_while_paused, std::move(place->reason)};
    if (rules.monthly_quota > 0 && sent >= rules.monthly_quota)
        return {Audience::neighbours, true,
                "sharing.monthly_quota is used up: only neighbours are given to until next month"};
    SharingVerdict everybody;
    if (rules.monthly_quota > 0) everybody.each_network = std::max(rules.monthly_quota / networks, least_part);
    return everybody;
}

}  // namespace packswarm::core
