// ProxiedHosts: where no redirect is followed to, since the owner's apt goes there through a proxy. Any thread.
#pragma once

#include <mutex>
#include <string>

#include "p2p/base/url.hpp"
#include "p2p/core/proxy_rules.hpp"

namespace packswarm::web {

class ProxiedHosts {
  public:
    void set(core::ProxyRules rules) {
        const std::lock_guard guard(mutex_);
        rules_ = std::move(rules);
    }
    bool has(const std::string& address) const {
        const auto url = Url::parse(address);
        const std::lock_guard guard(mutex_);
        return url && rules_.is_proxied(url->scheme, url->host);
    }

  private:
    mutable std::mutex mutex_;
    core::ProxyRules rules_;
};

}  // namespace packswarm::web
