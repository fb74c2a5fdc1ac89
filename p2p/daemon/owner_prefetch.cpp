#include "p2p/daemon/owner_prefetch.hpp"

#include <nlohmann/json.hpp>

namespace packswarm::daemon {

namespace {

using json = nlohmann::json;
using watch::Limit;

Limit named(const UpgradePrefetch::View& view, const char* name) {
    Limit out;
    out.name = name;
    const bool bites = view.verdict.limit == name;
    out.state = bites ? "reached" : "ok";
    out.why = bites ? view.verdict.reason : "does not stand against fetching upgrades ahead now";
    return out;
}

// One that is no number: what the owner has set.
Limit of_words(const UpgradePrefetch::View& view, const char* name, const std::string& setting) {
    auto out = named(view, name);
    out.list = watch::Texts{setting};
    return out;
}

Limit of_bytes(Limit limit, ByteCount now, std::optional<ByteCount> most) {
    limit.unit = "bytes";
    limit.now = now;
    limit.most.emplace(most);
    return limit;
}

const char* truth(bool value) { return value ? "true" : "false"; }

json epoch_or_null(std::optional<WallTime> time) {
    return time && *time != WallTime{} ? json(time->time_since_epoch().count()) : json(nullptr);
}

}  // namespace

std::string answer_of_prefetch(UpgradePrefetch& prefetch, const std::string& operation) {
    if (operation == "prefetch-now") prefetch.begin_now();
    if (operation == "prefetch-on" || operation == "prefetch-off") prefetch.switch_to(operation == "prefetch-on");
    const auto view = prefetch.view();
    json limit = nullptr;
    if (!view.verdict.may_run) limit = {{"name", view.verdict.limit}, {"why", view.verdict.reason}};
    const json out = {{"state", view.is_on ? "on" : "off"},
                      {"doing", view.doing},
                      {"limit", limit},
                      {"wanted", {{"packages", view.wanted}, {"bytes", view.wanted_bytes}}},
                      {"here", {{"packages", view.here}, {"bytes", view.here_bytes}}},
                      {"month", view.month},
                      {"next", epoch_or_null(view.next)},
                      {"refreshed", epoch_or_null(view.refreshed)}};
    return out.dump();
}

std::vector<Limit> prefetch_limits(const UpgradePrefetch& prefetch) {
    const auto view = prefetch.view();
    if (!view.is_on) return {};
    const auto& rules = view.rules;
    std::vector<Limit> out{of_words(view, "prefetch.on_metered", truth(rules.on_metered)),
                           of_words(view, "prefetch.on_battery", truth(rules.on_battery)),
                           of_words(view, "prefetch.on_vpn", truth(rules.on_vpn)),
                           of_words(view, "prefetch.hours", rules.hours.empty() ? "any" : rules.hours)};
    auto disk = named(view, "prefetch.most_disk");
    if (view.wanted_bytes > rules.most_disk) {
        disk.state = "reached";
        disk.why = "an upgrade has more: a part of it is fetched when somebody asks for it";
    }
    out.push_back(of_bytes(std::move(disk), view.here_bytes, rules.most_disk));
    const auto quota = rules.monthly_quota;
    out.push_back(
        of_bytes(named(view, "prefetch.monthly_quota"), view.month, quota > 0 ? std::optional(quota) : std::nullopt));
    return out;
}

}  // namespace packswarm::daemon
