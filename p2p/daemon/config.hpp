// Config: everything the owner can set, each option declared once with its prose, default and range (options() in config.cpp).
// From that one declaration come the TOML reader, --print-config and the command line's --section.name options.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "p2p/base/result.hpp"
#include "p2p/base/units.hpp"
#include "p2p/core/sharing_rules.hpp"

namespace packswarm::daemon {

struct RepositoryConfig {
    std::string format = "debian";
    std::string suite;
    std::vector<std::string> components, architectures, mirrors, keyring, fingerprints;
    std::optional<bool> is_public;       // unset: decided by who signs it
    bool signed_database = true;
    std::optional<bool> signed_packages;  // unset: signed_database decides
};

struct Config {
    std::string state_dir = "/var/lib/packswarm";
    std::string socket = "/run/packswarm/control.sock";
    std::string log_level = "info";

    std::string gateway_listen = "127.0.0.1:7878";
    std::vector<std::string> gateway_allow;

    bool swarm_enabled = true;
    std::string swarm_listen = "0.0.0.0:26881";
    std::vector<std::string> swarm_peers;
    bool swarm_lan_discovery = true;
    bool swarm_dht = false;
    std::vector<std::string> swarm_dht_nodes;
    std::vector<std::string> swarm_trackers;
    std::int64_t swarm_shard_at = 2000;
    bool swarm_utp = false;
    ByteCount swarm_upload_limit = 1 << 20;
    std::int64_t swarm_announce_large = 0;
    std::vector<std::string> swarm_lan_networks;
    std::vector<std::string> swarm_banned_networks;
    std::int64_t swarm_ban_seconds = 3600;
    std::int64_t swarm_peer_grace_ms = 1500;
    bool swarm_ask_strangers = true;

    bool sharing_enabled = true;
    std::vector<std::string> sharing_keyrings;
    std::vector<std::string> sharing_pacman_repositories;
    ByteCount sharing_monthly_quota = 50LL << 30;
    std::vector<std::string> sharing_not_on_interfaces;
    std::vector<std::string> sharing_not_on_networks;
    bool sharing_fetch_while_paused = true;

    ByteCount store_quota = 10LL << 30;
    ByteCount store_reserve = 1LL << 30;
    ByteCount store_scrub = 4LL << 20;

    std::string web_ca_file, web_ca_path;

    bool sources_apt = true;
    std::string sources_apt_dir = "/etc/apt";
    std::string sources_apt_lists = "/var/lib/apt/lists";
    std::string sources_dpkg_status = "/var/lib/dpkg/status";
    ByteCount sources_daily_indexes = 32LL << 20;
    bool sources_pacman = true;
    std::string sources_pacman_conf = "/etc/pacman.conf";

    bool pacman_ahead = true;

    std::vector<RepositoryConfig> repositories;

    Config();  // fills the list defaults
};

// One option as the command line sees it.
struct OptionText {
    std::string name;   // "swarm.listen"
    std::string prose;  // with range and default
};
std::vector<OptionText> option_texts();

// The commented default file.
std::string default_file();

// Refused: the file is not TOML, an option is unknown, of the wrong type or out of range; the message names line and remedy.
Result<Config> parse_config(std::string_view text, const std::string& file_name);
Result<Config> load_config(const std::string& path);
// "section.name" = text as on the command line; lists are separated by commas.
Result<void> set_option(Config& config, const std::string& name, const std::string& text);

// Refused: a network of sharing.not_on_networks is none.
Result<core::SharingRules> sharing_rules(const Config& config);

// "1048576", "10 MiB", "2G": bytes. Refused otherwise.
Result<ByteCount> parse_size(std::string_view text);

struct Endpoint {
    std::string address;
    int port = 0;
};
Result<Endpoint> parse_endpoint(const std::string& text);  // "127.0.0.1:7878", "[::1]:7878"

}  // namespace packswarm::daemon
