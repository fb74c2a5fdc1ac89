// Config: everything the owner can set, as the rooms take it: the options structs of the rooms themselves, and what
// belongs to the agent alone. Not here: what an option is called and what is said of it (option.hpp). Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "formats/format.hpp"
#include "p2p/base/result.hpp"
#include "p2p/base/units.hpp"
#include "p2p/broker/broker.hpp"
#include "p2p/control/control_server.hpp"
#include "p2p/core/prefetch_rules.hpp"
#include "p2p/core/sharing_rules.hpp"
#include "p2p/daemon/pacman_prefetch.hpp"
#include "p2p/gateway/gateway.hpp"
#include "p2p/store/vault.hpp"
#include "p2p/swarm/swarm.hpp"
#include "p2p/web/http_settings.hpp"

namespace packswarm::daemon {

struct RepositoryConfig {
    std::string format{to_string(formats::usual())};
    std::string suite;
    std::vector<std::string> components, architectures, mirrors, keyring, fingerprints;
    std::optional<bool> is_public;  // unset: decided by who signs it
    bool signed_database = true;
    std::optional<bool> signed_packages;  // unset: signed_database decides
};

struct Listening {                           // "address:port"
    std::string gateway = "127.0.0.1:7878";  // empty: no gateway
    std::string swarm = "0.0.0.0:26881";
};

struct PublicConfig {                                // which repositories may be shared
    std::vector<std::string> keyrings;               // files; a repository that a key in them signs
    std::vector<std::string> unsigned_repositories;  // names, of those that nobody signs
};

struct SourcesConfig {  // what is learned from the package managers
    bool apt = true;
    std::string apt_dir = "/etc/apt";
    std::string apt_lists = "/var/lib/apt/lists";
    std::string dpkg_status = "/var/lib/dpkg/status";
    ByteCount daily_indexes = 32LL << 20;
    bool pacman = true;
    std::string pacman_conf = "/etc/pacman.conf";
};

struct Config {
    std::string log_level = "info";
    Listening listening;
    bool has_swarm = true;

    control::ControlSettings control;
    gateway::GatewaySettings gateway;  // but for address and port: listening
    swarm::SwarmSettings swarm;        // the same; no lan_networks: the room's default
    broker::BrokerSettings broker;
    core::SharingRules sharing;
    store::VaultSettings store;  // its folder is that of the whole agent
    ByteCount scrub = 4LL << 20;
    web::HttpSettings web;
    PacmanPrefetch::Settings pacman;
    core::PrefetchRules prefetch;

    PublicConfig publics;
    SourcesConfig sources;
    std::vector<RepositoryConfig> repositories;

    Config();  // the owner's defaults, where a room has another or none
};

// Refused: the file is not TOML, an option is unknown, of the wrong type or out of range; the message names line and
// remedy.
Result<Config> parse_config(std::string_view text, const std::string& file_name);
Result<Config> load_config(const std::string& path);
// "section.name" = text as on the command line; lists are separated by commas.
Result<void> set_option(Config& config, const std::string& name, const std::string& text);

// "1048576", "10 MiB", "2G": bytes. Refused otherwise.
Result<ByteCount> parse_size(std::string_view text);

struct Endpoint {
    std::string address;
    int port = 0;
};
Result<Endpoint> parse_endpoint(const std::string& text);  // "127.0.0.1:7878", "[::1]:7878"

}  // namespace packswarm::daemon
