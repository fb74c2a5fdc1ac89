// ProxyRules: which hosts this machine's apt asks through a proxy (Acquire::http::Proxy, apt-transport-http(1)). The
// agent has no business with these: it would go past the proxy. Plain data.
#pragma once

#include <map>
#include <string>
#include <utility>

namespace packswarm::core {

struct ProxyRules {
    std::map<std::string, bool> by_scheme{};                        // "http", "https"
    std::map<std::pair<std::string, std::string>, bool> by_host{};  // scheme and host, in lower case

    // What is set for the host goes before what is set for all, and https has http's where it has none of its own.
    bool is_proxied(const std::string& scheme, const std::string& host) const;
    friend bool operator==(const ProxyRules&, const ProxyRules&) = default;
};

}  // namespace packswarm::core
