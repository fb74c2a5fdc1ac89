#include "p2p/daemon/owner_limits.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace packswarm::daemon {

using json = nlohmann::json;

namespace {

json or_null(ByteCount limit) { return limit > 0 ? json(limit) : json(nullptr); }

template <class Texts>
std::string joined(const Texts& texts) {
    std::string out;
    for (const auto& text : texts) out += (out.empty() ? "" : ", ") + text;
    return out;
}

json upload_limit(const House& house) {
    const auto view = house.sharing.view();
    return {{"name", "swarm.upload_limit"}, {"unit", "bytes/s"}, {"now", static_cast<ByteCount>(view.far_rate)},
            {"most", or_null(house.config.swarm_upload_limit)}, {"state", "ok"}, {"why", "to peers outside the local network; neighbours are exempt"}};
}

json monthly_quota(const House& house) {
    const auto view = house.sharing.view();
    const bool is_used_up = view.rules.monthly_quota > 0 && view.month.far >= view.rules.monthly_quota;
    return {{"name", "sharing.monthly_quota"}, {"unit", "bytes"}, {"now", view.month.far}, {"most", or_null(view.rules.monthly_quota)},
            {"state", is_used_up ? "reached" : "ok"},
            {"why", is_used_up ? "used up: only neighbours are given to until next month (UTC)" : "given this month (UTC); neighbours do not count"}};
}

json announce_large(const House& house) {
    const auto budget = house.config.swarm_announce_large;
    const bool has_dht = house.swarm_room != nullptr && house.swarm_room->discovery().dht_is_on;
    return {{"name", "swarm.announce_large"}, {"unit", "announces"}, {"now", house.peers.giving().announces_hour}, {"most", budget}, {"state", "ok"},
            {"why", budget == 0 ? "off: swarms are announced, single artifacts are not" : has_dht ? "in the last hour, to the DHT" : "the DHT is off"}};
}

json store_quota(const House& house) {
    const auto usage = house.vault.usage();
    return {{"name", "store.quota"}, {"unit", "bytes"}, {"now", usage.stored + usage.staged}, {"most", usage.quota}, {"state", "ok"},
            {"why", "when full, superseded versions go first, then what most peers have, then what was not used for longest"}};
}

json store_reserve(const House& house) {
    const auto usage = house.vault.usage();
    return {{"name", "store.reserve"}, {"unit", "bytes"}, {"now", usage.disk ? usage.disk->bytes : 0}, {"least", house.config.store_reserve},
            {"state", usage.is_short_of_bytes(house.config.store_reserve) ? "reached" : "ok"}, {"why", "stays free on the disk of " + house.config.state_dir}};
}

json not_on_interfaces(const House& house) {
    const auto view = house.sharing.view();
    auto rules = view.rules;
    rules.not_on_networks.clear();
    const auto alone = core::judge_sharing(rules, view.surroundings, 0);
    const auto routes = view.surroundings.default_interfaces;
    const bool pauses = rules.is_enabled && alone.audience == core::Audience::nobody;
    return {{"name", "sharing.not_on_interfaces"}, {"list", rules.not_on_interfaces}, {"state", pauses ? "reached" : "ok"},
            {"why", pauses ? alone.reason : routes.empty() ? "there is no default route" : "the default route leads through " + joined(routes)}};
}

json not_on_networks(const House& house) {
    const auto view = house.sharing.view();
    auto rules = view.rules;
    rules.not_on_interfaces.clear();
    const auto alone = core::judge_sharing(rules, view.surroundings, 0);
    const bool pauses = rules.is_enabled && alone.audience == core::Audience::nobody;
    std::vector<std::string> networks;
    for (const auto& network : rules.not_on_networks) networks.push_back(network.text());
    return {{"name", "sharing.not_on_networks"}, {"list", networks}, {"state", pauses ? "reached" : "ok"},
            {"why", pauses ? alone.reason : "no address of this machine is in one of them"}};
}

}  // namespace

json sharing_of(const House& house) {
    const auto view = house.sharing.view();
    const bool has_swarm = !house.swarm.empty();
    const bool is_off = !has_swarm || !view.rules.is_enabled;
    const auto reason = has_swarm ? view.verdict.reason : "swarm.enabled is false";
    const auto giving = house.peers.giving();
    return {{"state", is_off ? "off" : view.verdict.audience == core::Audience::nobody ? "paused" : "on"},
            {"audience", has_swarm ? core::to_string(view.verdict.audience) : "nobody"}, {"reason", reason.empty() ? json(nullptr) : json(reason)},
            {"offered", house.broker.book().offered()}, {"rate", static_cast<ByteCount>(view.far_rate + view.near_rate)},
            {"cap", or_null(house.config.swarm_upload_limit)},
            {"month", {{"sent", view.month.far}, {"neighbours", view.month.near}, {"quota", or_null(view.rules.monthly_quota)}}},
            {"torrents", giving.torrents}, {"announces", giving.announces}};
}

json limits_of(const House& house) {
    return json::array({upload_limit(house), monthly_quota(house), announce_large(house), store_quota(house), store_reserve(house), not_on_interfaces(house), not_on_networks(house)});
}

}  // namespace packswarm::daemon
