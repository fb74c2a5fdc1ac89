// AptSettings: what apt.conf says on this machine, as far as the agent has to know it: apt-config reads it, with its
// folders and APT_CONFIG. Not here: sources (learned_apt.cpp), and what a single apt was told on its command line
// (hooks/apt/config.hpp). Errors: none leave; without apt-config, or when it does not end within seconds, everything is
// as without any setting.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "p2p/core/date_rules.hpp"
#include "p2p/core/proxy_rules.hpp"

namespace packswarm::daemon {

class AptSettings {
  public:
    static AptSettings of_this_machine();
    // dump: what `apt-config dump --format '%F=%V%n'` prints: keys and values percent-encoded.
    static AptSettings parse(std::string_view dump);

    std::string find(std::string_view key) const;  // empty when not set; keys in any case
    core::DateRules date_rules() const;            // Acquire::Check-Date, Check-Valid-Until, Max-ValidTime, ...

    // Acquire::http::Proxy; none with Packswarm::Use-With-Proxy. gateway: where this agent's own listens, as
    // "address:port"; that one is no proxy to be left to.
    core::ProxyRules proxy_rules(const std::string& gateway = {}) const;

  private:
    core::LabelledTime time(const std::string& key, Seconds otherwise) const;
    std::map<std::string, std::string> values_;  // by key in lower case
};

}  // namespace packswarm::daemon
