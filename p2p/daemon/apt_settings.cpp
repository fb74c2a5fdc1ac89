#include "p2p/daemon/apt_settings.hpp"

#include <algorithm>

#include "p2p/base/command_output.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/base/text.hpp"
#include "p2p/base/url.hpp"
#include "p2p/core/apt_text.hpp"

namespace packswarm::daemon {

using core::apt_bool;
using core::apt_seconds;
using core::percent_decoded;

namespace {

constexpr auto command = "timeout 5 apt-config dump --format '%F=%V%n' 2>/dev/null";

bool is_gateway(const std::string& proxy, const std::string& gateway) {
    const auto url = Url::parse(proxy);
    const auto colon = gateway.rfind(':');
    if (!url || colon == std::string::npos || std::to_string(url->port) != gateway.substr(colon + 1)) return false;
    return url->host == gateway.substr(0, colon) || url->host == "localhost" || url->host.starts_with("127.") ||
           url->host == "[::1]";
}

}  // namespace

AptSettings AptSettings::of_this_machine() { return parse(command_output(command, limits::max_apt_message)); }

AptSettings AptSettings::parse(std::string_view dump) {
    AptSettings out;
    while (!dump.empty()) {
        const auto end = std::min(dump.find('\n'), dump.size());
        const auto line = dump.substr(0, end);
        dump.remove_prefix(std::min(end + 1, dump.size()));
        const auto equals = line.find('=');
        if (equals == std::string_view::npos) continue;
        const auto key = percent_decoded(line.substr(0, equals));
        out.values_[lower(key)] = percent_decoded(line.substr(equals + 1));
    }
    return out;
}

std::string AptSettings::find(std::string_view key) const {
    const auto found = values_.find(lower(key));
    return found == values_.end() ? std::string() : found->second;
}

core::LabelledTime AptSettings::time(const std::string& key, Seconds otherwise) const {
    core::LabelledTime out{apt_seconds(find(key), otherwise)};
    const auto below = lower(key) + "::";
    for (auto at = values_.lower_bound(below); at != values_.end() && at->first.starts_with(below); ++at)
        out.by_label[at->first.substr(below.size())] = apt_seconds(at->second, out.value);
    return out;
}

core::DateRules AptSettings::date_rules() const {
    core::DateRules rules;
    rules.check_dates = apt_bool(find("Acquire::Check-Date"), true);
    rules.check_valid_until = apt_bool(find("Acquire::Check-Valid-Until"), true);
    rules.max_future = time("Acquire::Max-FutureTime", rules.max_future.value);
    rules.max_age = time("Acquire::Max-ValidTime", Seconds(0));
    rules.min_age = time("Acquire::Min-ValidTime", Seconds(0));
    return rules;
}

core::ProxyRules AptSettings::proxy_rules(const std::string& gateway) const {
    core::ProxyRules rules;
    if (apt_bool(find("Packswarm::Use-With-Proxy"), false)) return rules;
    for (const std::string scheme : {"http", "https"}) {
        const auto key = "acquire::" + scheme + "::proxy";
        for (auto at = values_.lower_bound(key); at != values_.end() && at->first.starts_with(key); ++at) {
            if (at->second.empty()) continue;
            const bool is_proxied = at->second != "DIRECT" && at->second != "false" && !is_gateway(at->second, gateway);
            if (at->first == key)
                rules.by_scheme[scheme] = is_proxied;
            else if (at->first.compare(key.size(), 2, "::") == 0)
                rules.by_host[{scheme, at->first.substr(key.size() + 2)}] = is_proxied;
        }
    }
    return rules;
}

}  // namespace packswarm::daemon
