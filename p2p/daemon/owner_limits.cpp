#include "p2p/daemon/owner_limits.hpp"

#include <algorithm>

#include "p2p/daemon/owner_prefetch.hpp"

namespace packswarm::daemon {

namespace {

using watch::Count;
using watch::Limit;

std::optional<Count> unless_none(ByteCount limit) { return limit > 0 ? std::optional(limit) : std::nullopt; }

template <class Texts>
std::string joined(const Texts& texts) {
    std::string out;
    for (const auto& text : texts) out += (out.empty() ? "" : ", ") + text;
    return out;
}

enum class LimitState { ok, reached };

Limit limit(const char* name, LimitState standing, std::string why) {
    Limit out;
    out.name = name;
    out.state = standing == LimitState::reached ? "reached" : "ok";
    out.why = std::move(why);
    return out;
}

Limit measured(Limit limit, const char* unit, Count now, std::optional<Count> most) {
    limit.unit = unit;
    limit.now = now;
    limit.most.emplace(most);
    return limit;
}

Limit upload_limit(const AgentView& agent) {
    return measured(
        limit("swarm.upload_limit", LimitState::ok, "to peers outside the local network; neighbours are exempt"),
        "bytes/s", static_cast<Count>(agent.sharing.view().far_rate), unless_none(agent.config.swarm.upload_limit));
}

Limit monthly_quota(const AgentView& agent) {
    const auto view = agent.sharing.view();
    const bool is_used_up = view.rules.monthly_quota > 0 && view.month.far >= view.rules.monthly_quota;
    return measured(limit("sharing.monthly_quota", is_used_up ? LimitState::reached : LimitState::ok,
                          is_used_up ? "used up: only neighbours are given to until next month (UTC)"
                                     : "given this month (UTC); neighbours do not count"),
                    "bytes", view.month.far, unless_none(view.rules.monthly_quota));
}

Limit announce_large(const AgentView& agent) {
    const auto budget = agent.config.swarm.announce_large;
    const bool has_dht = agent.swarm_room != nullptr && agent.swarm_room->discovery().dht_is_on;
    return measured(limit("swarm.announce_large", LimitState::ok,
                          budget == 0 ? "off: swarms are announced, single artifacts are not"
                          : has_dht   ? "in the last hour, to the DHT"
                                      : "the DHT is off"),
                    "announces", static_cast<Count>(agent.peers.giving().announces_hour), Count{budget});
}

Limit store_quota(const AgentView& agent) {
    const auto usage = agent.vault.usage();
    return measured(limit("store.quota", LimitState::ok,
                          "when full, superseded versions go first, then what most peers have, then what was not used "
                          "for longest"),
                    "bytes", usage.stored + usage.staged, usage.quota);
}

Limit store_reserve(const AgentView& agent) {
    const auto usage = agent.vault.usage();
    const auto reserve = agent.config.store.reserve;
    auto out = limit("store.reserve", usage.is_short_of_bytes(reserve) ? LimitState::reached : LimitState::ok,
                     "stays free on the disk of " + agent.config.store.folder.string());
    out.unit = "bytes";
    out.now = usage.disk ? usage.disk->bytes : 0;
    out.least = reserve;
    return out;
}

Limit not_on_interfaces(const AgentView& agent) {
    const auto view = agent.sharing.view();
    auto rules = view.rules;
    rules.not_on_networks.clear();
    const auto alone = core::judge_sharing(rules, view.surroundings, 0);
    const auto routes = view.surroundings.default_interfaces;
    const bool pauses = rules.is_enabled && alone.audience == core::Audience::nobody;
    auto out = limit("sharing.not_on_interfaces", pauses ? LimitState::reached : LimitState::ok,
                     pauses           ? alone.reason
                     : routes.empty() ? "there is no default route"
                                      : "the default route leads through " + joined(routes));
    out.list = rules.not_on_interfaces;
    return out;
}

Limit not_on_networks(const AgentView& agent) {
    const auto view = agent.sharing.view();
    auto rules = view.rules;
    rules.not_on_interfaces.clear();
    const auto alone = core::judge_sharing(rules, view.surroundings, 0);
    const bool pauses = rules.is_enabled && alone.audience == core::Audience::nobody;
    auto out = limit("sharing.not_on_networks", pauses ? LimitState::reached : LimitState::ok,
                     pauses ? alone.reason : "no address of this machine is in one of them");
    for (auto& list = out.list.emplace(); const auto& network : rules.not_on_networks) list.push_back(network.text());
    return out;
}

}  // namespace

watch::Sharing sharing_of(const AgentView& agent) {
    const auto view = agent.sharing.view();
    const bool has_swarm = !agent.swarm.empty();
    const bool is_off = !has_swarm || !view.rules.is_enabled;
    const auto reason = has_swarm ? view.verdict.reason : "swarm.enabled is false";
    const auto giving = agent.peers.giving();
    watch::Sharing out;
    out.state = is_off ? "off" : view.verdict.audience == core::Audience::nobody ? "paused" : "on";
    out.audience = has_swarm ? core::to_string(view.verdict.audience) : "nobody";
    if (!reason.empty()) out.reason = reason;
    out.offered = static_cast<Count>(agent.broker.book().offered());
    out.rate = static_cast<ByteCount>(view.far_rate + view.near_rate);
    out.cap = unless_none(agent.config.swarm.upload_limit);
    out.month = watch::Month{view.month.far, view.month.near, unless_none(view.rules.monthly_quota)};
    out.torrents = static_cast<Count>(giving.torrents);
    out.announces = static_cast<Count>(giving.announces);
    return out;
}

std::vector<Limit> limits_of(const AgentView& agent) {
    std::vector<Limit> out{upload_limit(agent),  monthly_quota(agent),     announce_large(agent), store_quota(agent),
                           store_reserve(agent), not_on_interfaces(agent), not_on_networks(agent)};
    for (auto& limit : prefetch_limits(agent.prefetch)) out.push_back(std::move(limit));
    return out;
}

}  // namespace packswarm::daemon
