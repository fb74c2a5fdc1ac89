// HttpSettings: what the owner may set about HTTP towards mirrors. Proxies come from the environment (http_proxy,
// https_proxy, all_proxy, no_proxy), as curl, apt and pacman read them. Certificate and host checks cannot be switched
// off.
#pragma once

#include <memory>
#include <string>

#include "p2p/base/limits.hpp"
#include "p2p/core/format.hpp"
#include "p2p/web/proxied_hosts.hpp"

namespace packswarm::web {

struct HttpSettings {
    std::string ca_file;                                    // PEM file; empty: the system's
    std::string ca_path;                                    // hashed folder; empty: the system's
    std::shared_ptr<const ProxiedHosts> proxied = nullptr;  // null: none
    Millis connect_timeout = limits::connect_timeout;
    // Received, not yet taken by the loop; at most limits::max_unread. A quarter of it bridges 30 ms of a busy loop at
    // 1 Gbit/s, and stays within a processor's cache.
    ByteCount max_unread = limits::max_unread / 4;
    core::Formats formats = {};  // by which a root is known: caches on the way are asked for a fresh one
};

// "packswarm/<version>"
std::string user_agent();

}  // namespace packswarm::web
