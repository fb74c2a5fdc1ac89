#include "p2p/core/proxy_rules.hpp"

#include "p2p/base/text.hpp"

namespace packswarm::core {

bool ProxyRules::is_proxied(const std::string& scheme, const std::string& host) const {
    for (const auto& one : {scheme, std::string("http")})
        if (const auto found = by_host.find({one, lower(host)}); found != by_host.end()) return found->second;
    for (const auto& one : {scheme, std::string("http")})
        if (const auto found = by_scheme.find(one); found != by_scheme.end()) return found->second;
    return false;
}

}  // namespace packswarm::core
