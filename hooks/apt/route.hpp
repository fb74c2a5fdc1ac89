// AptRoute: which addresses may be shown to the agent. What carries a secret (credentials, auth.conf), what the owner
// sends elsewhere on purpose (proxies) and what apt.conf asks for that the agent does not do (options.hpp) goes
// straight to apt's own method, unseen by the agent. Any thread.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "hooks/apt/config.hpp"

namespace packswarm::hooks {

struct AptEnvironment {  // what the shell gave apt: http_proxy, https_proxy, no_proxy, SSL_CERT_FILE or SSL_CERT_DIR
    std::string http, https, none;
    std::string certificates{};
    static AptEnvironment from_process();
};

class AptRoute {
  public:
    AptRoute() = default;
    // Reads auth.conf and auth.conf.d, which only root may be able to read: build it before privileges are dropped.
    AptRoute(AptConfig config, AptEnvironment environment);

    // Empty: the agent may have it. Else the reason, for the log, why apt's own method takes it.
    std::string why_not(const AptMessage& acquire) const;
    bool knows_logins() const { return !logins_.empty(); }
    bool has_login(std::string_view host) const { return logins_.contains(std::string(host)); }

  private:
    std::string why_proxied(const std::string& scheme, const std::string& host) const;
    AptConfig config_;
    AptEnvironment environment_;
    std::set<std::string> logins_;  // hosts named in auth.conf, lower case
};

// Hosts of the "machine" words of an auth.conf(5), without scheme, port and path.
std::set<std::string> login_hosts(std::string_view netrc);
// The host of an address, lower case, by its text alone: also of addresses that Url::parse refuses.
std::string host_of(std::string_view uri);

}  // namespace packswarm::hooks
