#include "p2p/core/prefetch_rules.hpp"

#include <algorithm>
#include <array>

#include "p2p/core/kinship.hpp"

namespace packswarm::core {

namespace {

constexpr int minutes_of_day = 24 * 60;
constexpr ByteCount least_room = limits::small_artifact;  // with less, hardly a package fits

PrefetchVerdict no(std::string limit, std::string reason) { return {false, std::move(limit), std::move(reason)}; }

std::optional<PrefetchVerdict> no_by_cost(const PrefetchRules& rules, const Circumstances& now) {
    if (!rules.on_metered && !now.is_metered)
        return no("prefetch.on_metered", "NetworkManager did not say in time whether the connection is metered");
    if (!rules.on_metered && *now.is_metered)
        return no("prefetch.on_metered", "the connection is metered (NetworkManager)");
    if (!rules.on_battery && !now.is_on_battery)
        return no("prefetch.on_battery", "UPower did not say in time whether the machine runs on battery");
    if (!rules.on_battery && *now.is_on_battery) return no("prefetch.on_battery", "the machine runs on battery");
    return std::nullopt;
}

std::optional<PrefetchVerdict> no_by_network(const PrefetchRules& rules, const SharingRules& networks,
                                             const Circumstances& now) {
    for (const auto& name : now.network.default_interfaces)
        if (!rules.on_vpn && is_tunnel(name))
            return no("prefetch.on_vpn", "the default route leads through the tunnel " + name);
    if (auto place = place_to_stay_off(networks, now.network)) return no(place->limit, place->reason);
    return std::nullopt;
}

std::optional<PrefetchVerdict> no_by_time(const PrefetchRules& rules, const Circumstances& now) {
    if (rules.hours.empty()) return std::nullopt;
    const auto hours = DayHours::parse(rules.hours);
    if (!hours) return no("prefetch.hours", "prefetch.hours is not of the form 01:00-06:00");
    if (!hours->contains(now.minute_of_day)) return no("prefetch.hours", "it is not between " + rules.hours);
    return std::nullopt;
}

std::optional<PrefetchVerdict> no_by_amount(const PrefetchRules& rules, const Circumstances& now) {
    if (rules.monthly_quota > 0 && now.month >= rules.monthly_quota)
        return no("prefetch.monthly_quota", "used up until next month (UTC)");
    if (now.room < least_room)
        return no("store.quota",
                  "the store has no room without giving up something current (store.quota, store.reserve)");
    return std::nullopt;
}

std::optional<int> minute_of(std::string_view text) {  // "06:00"
    const auto digit = [&](std::size_t at) { return text[at] >= '0' && text[at] <= '9'; };
    if (text.size() != 5 || text[2] != ':' || !digit(0) || !digit(1) || !digit(3) || !digit(4)) return std::nullopt;
    const int hour = (text[0] - '0') * 10 + (text[1] - '0'), minute = (text[3] - '0') * 10 + (text[4] - '0');
    if (minute > 59 || hour * 60 + minute > minutes_of_day) return std::nullopt;
    return hour * 60 + minute;
}

}  // namespace

PrefetchVerdict judge_prefetch(const PrefetchRules& rules, const SharingRules& networks, const Circumstances& now) {
    if (!rules.is_enabled) return no("prefetch.enabled", "it is switched off");
    if (auto verdict = no_by_cost(rules, now)) return std::move(*verdict);
    if (auto verdict = no_by_network(rules, networks, now)) return std::move(*verdict);
    if (auto verdict = no_by_time(rules, now)) return std::move(*verdict);
    if (auto verdict = no_by_amount(rules, now)) return std::move(*verdict);
    if (now.is_awaited) return no("somebody waits", "what is asked for goes first");
    return {};
}

bool DayHours::contains(int minute) const {
    return begin < end ? minute >= begin && minute < end : minute >= begin || minute < end;
}

std::optional<DayHours> DayHours::parse(std::string_view text) {
    const auto dash = text.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const auto begin = minute_of(text.substr(0, dash)), end = minute_of(text.substr(dash + 1));
    if (!begin || !end || *begin == *end || *begin == minutes_of_day) return std::nullopt;
    return DayHours{*begin, *end};
}

bool is_tunnel(std::string_view interface) {
    constexpr std::array<std::string_view, 5> beginnings{"tun", "wg", "ppp", "vpn", "ipsec"};
    return std::any_of(beginnings.begin(), beginnings.end(),
                       [&](std::string_view beginning) { return interface.starts_with(beginning); });
}

Seconds prefetch_delay(const Digest& installation, const Digest& root, Seconds window) {
    if (window <= Seconds(0)) return Seconds(0);
    // Both are random bytes already; the mark of them together is stirred, since its low bits alone are not.
    auto mark = mark_of(std::string(installation.raw()) + std::string(root.raw()));
    mark = (mark ^ (mark >> 30)) * 0xbf58476d1ce4e5b9ULL;
    mark = (mark ^ (mark >> 27)) * 0x94d049bb133111ebULL;
    mark ^= mark >> 31;
    return Seconds(static_cast<std::int64_t>(mark % static_cast<std::uint64_t>(window.count())));
}

}  // namespace packswarm::core
