#include <algorithm>
#include <array>

#include "p2p/base/limits.hpp"
#include "p2p/daemon/option.hpp"

namespace packswarm::daemon {

namespace {

using broker::BrokerSettings;
using control::ControlSettings;
using core::PrefetchRules;
using core::SharingRules;
using gateway::GatewaySettings;
using store::VaultSettings;
using swarm::SwarmSettings;
using web::HttpSettings;
using enum Applied;

constexpr Place<Config> internet{
    Type::text, [](const Config& config) -> Value { return std::string(to_string(config.swarm.internet)); },
    [](Config& config, Value value) -> Result<void> {
        auto parsed = swarm::parse_internet(std::get<std::string>(value));
        if (!parsed) return tl::unexpected(parsed.error());
        config.swarm.internet = *parsed;
        return {};
    }};

// In the order of the printed file and of the manual page.
constexpr Option all_options[] = {
    {"", "state_dir", at<&Config::store, &VaultSettings::folder>(), by_restart,
     "Folder for packages, indexes and the ledger. Belongs to the agent alone."},
    {"", "socket", at<&Config::control, &ControlSettings::socket>(), by_restart,
     "Control socket; packswarm and apt's method find the agent through it."},
    {"", "log_level", at<&Config::log_level>(), by_reload,
     "What is written to standard error: debug, info, warn or error."},

    {"gateway", "listen", at<&Config::listening, &Listening::gateway>(), by_restart,
     "Address and port for pacman and for HTTP proxies. Empty: no gateway.",
     "What no index vouches for is handed through with the asker's own Range, Cache-Control and, where it is not apt's "
     "or pacman's usual one, User-Agent; a server that refuses the agent is asked once more by that name."},
    {"gateway", "allow", at<&Config::gateway, &GatewaySettings::allowed_networks>(), by_restart,
     "Networks besides loopback that may use the gateway, such as 192.168.1.0/24. Nothing of this machine or its link "
     "is asked for them, and only ports 80, 443 and those of mirrors here."},

    {"swarm", "enabled", at<&Config::has_swarm>(), by_restart,
     "Whether other agents are spoken to at all. false: mirrors only."},
    {"swarm", "listen", at<&Config::listening, &Listening::swarm>(), by_restart,
     "Address and port (TCP and UDP) for other agents."},
    {"swarm", "peers", at<&Config::swarm, &SwarmSettings::static_peers>(), by_reload,
     "Agents to connect to at once, as host:port.",
     "Ports below 1025 are never dialled. Agents met before are remembered and dialled at once too."},
    {"swarm", "lan_discovery", at<&Config::swarm, &SwarmSettings::lan_discovery>(), by_restart,
     "Find agents on the local network by multicast (BEP 14)."},
    {"swarm", "internet", internet, by_restart,
     "Whether agents are looked for beyond the local network: \"off\", \"find\" or \"find-and-be-found\". "
     "packswarm setup internet explains it and sets it.",
     "\\fBoff\\fR: only the local network, \\fBpeers\\fR and those met before. \\fBfind\\fR: the BitTorrent DHT is "
     "asked who shares this machine's public repositories; nothing is announced there and no port is opened. Agents "
     "behind routers of their own meet through a friend of both: who is not reached over TCP within three seconds is "
     "dialled over uTP. \\fBfind-and-be-found\\fR: this machine is announced in the DHT as well, answers other nodes, "
     "and asks routers by UPnP and NAT-PMP to open the port of \\fBlisten\\fR. The DHT is begun with the nodes met "
     "before, then with \\fBdht_nodes\\fR, then with those of \\fIshare/packswarm/dht-nodes\\fR beside the program. "
     "For "
     "a private network name its nodes in \\fBdht_nodes\\fR: when all of them are addresses of local networks, the "
     "public ones are never asked."},
    {"swarm", "dht_nodes", at<&Config::swarm, &SwarmSettings::dht_nodes>(), by_restart,
     "Nodes of a DHT, as host:port, through which agents are found that share a repository. It tells strangers which "
     "ones this machine uses. Empty: those that come with the package, where internet is not off.",
     "The DHT is the distributed hash table of BEP 5. Strangers can see which repositories this machine shares, not "
     "which packages: name nodes only where that is no secret. The nodes met are remembered in \\fIdht.state\\fR below "
     "\\fBstate_dir\\fR, so that a restart does not depend on those named. When every node named is an address of a "
     "local network, the guards against one host posing as many nodes are off, since a small network could not form "
     "otherwise."},
    {"swarm", "dht", at<&Config::swarm, &SwarmSettings::dht>(), by_restart,
     "Be a node of the DHT although none is named above: for the first node of a network of your own.",
     "Not needed with \\fBinternet\\fR."},
    {"swarm", "trackers", at<&Config::swarm, &SwarmSettings::trackers>(), by_restart,
     "Trackers, as http://, https:// or udp:// announce addresses, at most 16. They learn which repositories this "
     "machine shares. Empty: none.",
     "All of them are told this machine's address too. A tracker that admits only known swarms needs their infohashes: "
     "\\fBpackswarm status --json\\fR lists them under discovery.swarms."},
    {"swarm", "shard_at", at<&Config::swarm, &SwarmSettings::shard_at>({50, 1'000'000}), by_restart,
     "Agents in one repository's swarm, beyond which some of them move to smaller swarms.",
     "They are counted by trackers and the DHT. Those that move stay in touch with the large swarm."},
    {"swarm", "utp", at<&Config::swarm, &SwarmSettings::outgoing_utp>(), by_restart,
     "Connect by uTP first, which yields to other traffic but is slow on fast lines. Incoming uTP is always taken.",
     "Not needed to meet others: with \\fBinternet\\fR set, uTP is tried after TCP. For networks where it has to "
     "yield."},
    {"swarm", "upload_limit", size_at<&Config::swarm, &SwarmSettings::upload_limit>(0), by_reload,
     "Bytes per second given to peers outside the local network. 0: no limit.", "Neighbours are exempt."},
    {"swarm", "announce_large", at<&Config::swarm, &SwarmSettings::announce_large>({0, 3600}), by_restart,
     "Announces of single large artifacts to the DHT, at most so many an hour, for clients that know only a magnet "
     "link. Agents need none. 0: none.",
     "Agents find each other by their swarms. What was offered or asked for last is announced, as many as the budget "
     "keeps alive."},
    {"swarm", "lan_networks", at<&Config::swarm, &SwarmSettings::lan_networks>(), by_restart,
     "Networks that count as local: no upload limit, asked before mirrors. Empty: the private ranges."},
    {"swarm", "banned_networks", at<&Config::swarm, &SwarmSettings::banned_networks>(), by_restart,
     "Networks never connected to."},
    {"swarm", "ban_seconds", at<&Config::swarm, &SwarmSettings::ban_time>({1, 86400 * 30}), by_restart,
     "How long a peer that broke the rules is left alone."},
    {"swarm", "peer_grace_ms", at<&Config::broker, &BrokerSettings::peer_grace>({0, 60000}), by_restart,
     "How long a request that no mirror can answer waits for peers to speak up.",
     "Only where peers could have it: in a public repository, while somebody is connected or being dialled, or while "
     "an agent that has just started has not looked around yet. Nobody is waited for else."},
    {"swarm", "ask_strangers", at<&Config::broker, &BrokerSettings::asks_strangers>(), by_restart,
     "Whether peers outside the local network that are not named above are asked for packages: for large ones, and for "
     "what mirrors and neighbours do not give within a moment. false: never.",
     "They learn from it what this machine fetches. They are asked for large packages at once, for small ones when "
     "mirrors and neighbours have not given them within a second and a half or no mirror is left, for those of "
     "security suites only when no mirror is left. With false they are not asked even then."},

    {"sharing", "enabled", at<&Config::sharing, &SharingRules::is_enabled>(), by_reload,
     "Whether anything is offered to other agents."},
    {"sharing", "public_keyrings", at<&Config::publics, &PublicConfig::keyrings>(), by_reload,
     "Keyring files of distributions. Only packages of repositories signed by a key in them are ever named to "
     "others."},
    {"sharing", "pacman_repositories", at<&Config::publics, &PublicConfig::unsigned_repositories>(), by_reload,
     "pacman repositories whose databases nobody signs, but whose packages may be shared once their own signatures "
     "are checked."},
    {"sharing", "monthly_quota", size_at<&Config::sharing, &SharingRules::monthly_quota>(0), by_reload,
     "Most that peers outside the local network are given in a calendar month (UTC); then only neighbours are, until "
     "the next one. 0: no limit.",
     "What was given is counted in the ledger (payload; headers add a few per cent) and survives restarts. One network "
     "(/24, of IPv6 /48) is given at most a tenth of it within a month and at least 1 GiB, but for peers in "
     "swarm.peers."},
    {"sharing", "not_on_interfaces", at<&Config::sharing, &SharingRules::not_on_interfaces>(), by_reload,
     "Nothing is given to anybody while the default route leads through one of these, such as \"wwan0\" or "
     "\"wwan*\".",
     "It is looked at every three seconds."},
    {"sharing", "not_on_networks", at<&Config::sharing, &SharingRules::not_on_networks>(), by_reload,
     "Nothing is given to anybody while this machine has an address in one of these, such as \"10.9.0.0/16\"."},
    {"sharing", "fetch_while_paused", at<&Config::sharing, &SharingRules::fetch_while_paused>(), by_reload,
     "Whether peers are still asked while one of these two pauses sharing. false: this agent then leaves every "
     "swarm."},

    {"store", "quota", size_at<&Config::store, &VaultSettings::quota>(16 * limits::mib), by_reload,
     "Most that the store may hold.",
     "When it is full, superseded versions go first, then packages that most peers are known to have, then what was "
     "not used for longest; current indexes go last. Room is made as the bytes of a file that an index lists arrive, "
     "not when it is asked for. A file that no index lists takes nobody's place: on its way through it lies beside the "
     "quota, all such together in at most a quarter of it (256 MiB where that is less), and it is kept only where "
     "nothing that an index lists has to go."},
    {"store", "reserve", size_at<&Config::store, &VaultSettings::reserve>(0), by_reload,
     "Space on its file system that the store leaves free.",
     "A twentieth of its inodes, 1,000 at most, stays free as well; where the file system is short of them older files "
     "go, new ones are handed on without being kept, and \\fBpackswarm doctor\\fR says so."},
    {"store", "scrub", size_at<&Config::scrub>(0), by_reload,
     "Bytes per second at which stored files that were not hashed since the start are, while nobody wants anything. 0: "
     "only when somebody asks for them.",
     "Before they are handed out they always are. A file whose bytes have changed (a failing disk, somebody with write "
     "access) is dropped and fetched anew when it is wanted."},

    {"web", "ca_file", at<&Config::web, &HttpSettings::ca_file>(), by_restart,
     "PEM file of certificate authorities for HTTPS mirrors. Empty: the system's."},
    {"web", "ca_path", at<&Config::web, &HttpSettings::ca_path>(), by_restart,
     "Folder of certificate authorities. Empty: the system's."},

    {"sources", "apt", at<&Config::sources, &SourcesConfig::apt>(), by_reload,
     "Learn repositories, mirrors and keyrings from apt's sources.",
     "Changes there, and in pacman's files, are noticed without a reload."},
    {"sources", "apt_dir", at<&Config::sources, &SourcesConfig::apt_dir>(), by_reload,
     "Where apt's configuration lies."},
    {"sources", "apt_lists", at<&Config::sources, &SourcesConfig::apt_lists>(), by_reload,
     "Where apt keeps its copies of indexes: patched package lists are read there instead of being fetched.",
     "Patched are those that apt made of pdiffs; they are held against the signed index. apt's method names the folder "
     "as well, and what it names goes first. Of the copies of root files (InRelease, Release) the agent reads, when it "
     "starts and at a reload, which repository an address had when apt last asked it: so it can tell in an outage "
     "which peers have the same one."},
    {"sources", "daily_indexes", size_at<&Config::sources, &SourcesConfig::daily_indexes>(0), by_reload,
     "Most that mirrors give in a day (UTC) of package lists that no package manager asked for. What peers give does "
     "not count. 0: nothing.",
     "Peers are asked first. \\fBpackswarm status\\fR shows what was used of it."},
    {"sources", "dpkg_status", at<&Config::sources, &SourcesConfig::dpkg_status>(), by_reload,
     "Where dpkg keeps the version of apt: it decides which keys apt trusts."},
    {"sources", "pacman", at<&Config::sources, &SourcesConfig::pacman>(), by_reload,
     "Learn repositories and mirrors from pacman's configuration."},
    {"sources", "pacman_conf", at<&Config::sources, &SourcesConfig::pacman_conf>(), by_reload,
     "Where pacman's configuration lies."},

    {"pacman", "prefetch", at<&Config::pacman, &PacmanPrefetch::Settings::enabled>(), by_reload,
     "Ask a running pacman (pacman --print with its own arguments) for the rest of its transaction, and fetch that "
     "ahead while it runs.",
     "pacman asks for a few files at a time. When it asks for the first package of a transaction, the agent looks for "
     "it among the running processes (those of root and of the agent's own user) and runs \\fB/usr/bin/pacman --sync "
     "--print\\fR with the same targets and options, as the agent's user and without a lock, to learn the rest. "
     "That is fetched behind everything that somebody waits for, and never more than fits in the store beside what is "
     "current. "
     "A pacman with options that are not on a fixed list, or with a configuration, database or folder that anybody but "
     "root could change, is not asked, and neither is one that the agent cannot see (hidepid of \\fBproc\\fR(5), "
     "\\fBProtectProc\\fR of \\fBsystemd.exec\\fR(5)); why stands in the log at level debug. What is fetched so shows "
     "as asked for by \"prefetch\" in \\fBpackswarm status\\fR and \\fBpackswarm explain\\fR."},

    {"prefetch", "enabled", at<&Config::prefetch, &PrefetchRules::is_enabled>(), by_reload,
     "Fetch upgrades before anybody asks for them: after a new index, at a time that each machine draws for itself.",
     "Within six hours after the index came, of security suites within one. What an upgrade would fetch is asked of "
     "apt "
     "and pacman, which only print it, as the agent's user, with lists and databases of the agent's own; their folders "
     "are never written. It stands behind everything that somebody waits for; neighbours are asked first. Twice a day "
     "the agent looks for new indexes itself; lists of packages count for \\fBsources.daily_indexes\\fR. Nothing is "
     "fetched ahead where \\fBsharing.not_on_interfaces\\fR or \\fBsharing.not_on_networks\\fR holds. "
     "\\fBpackswarm prefetch on\\fR and \\fBoff\\fR go before this option."},
    {"prefetch", "on_metered", at<&Config::prefetch, &PrefetchRules::on_metered>(), by_reload,
     "Whether it goes on while NetworkManager calls the connection metered.",
     "Also while it guesses so. Without NetworkManager no connection is metered; while it does not answer, none is "
     "known not to be."},
    {"prefetch", "on_battery", at<&Config::prefetch, &PrefetchRules::on_battery>(), by_reload,
     "Whether it goes on while the machine runs on battery, by UPower or the kernel."},
    {"prefetch", "on_vpn", at<&Config::prefetch, &PrefetchRules::on_vpn>(), by_reload,
     "Whether it goes on while the default route leads through a tunnel: tun*, wg*, ppp*, vpn* or ipsec*."},
    {"prefetch", "hours", at<&Config::prefetch, &PrefetchRules::hours>(), by_reload,
     "Hours of the day in which it is done, such as \"01:00-06:00\", by the machine's clock. Empty: at any time.",
     "They may lead over midnight. With a text of another form nothing is fetched ahead."},
    {"prefetch", "most_disk", size_at<&Config::prefetch, &PrefetchRules::most_disk>(0), by_reload,
     "Most that the packages of one upgrade take in the store; those of security suites come first.",
     "Nothing that a current index lists makes room for them."},
    {"prefetch", "monthly_quota", size_at<&Config::prefetch, &PrefetchRules::monthly_quota>(0), by_reload,
     "Most that is fetched ahead in a calendar month (UTC), from mirrors and peers. 0: no limit."},
};

constexpr RepositoryKey all_keys[] = {
    {"format", at<&RepositoryConfig::format>(), "\"debian\"", "or \"pacman\"", "debian or pacman. Default: debian."},
    {"suite", at<&RepositoryConfig::suite>(), "\"stable\"", "pacman: the repository's name",
     "The suite; of pacman the repository's name. Has to be given."},
    {"components", at<&RepositoryConfig::components>(), "[\"main\"]", "", "Components of the suite. pacman has none."},
    {"architectures", at<&RepositoryConfig::architectures>(), "[\"amd64\"]", "",
     "Architectures. Default: this machine's."},
    {"mirrors", at<&RepositoryConfig::mirrors>(),
     "[\"http://mirror.example/debian\", \"https://other.example/pub/debian\"]", "",
     "Addresses of the same content, without a password. At least one has to be given."},
    {"keyring", at<&RepositoryConfig::keyring>(), "[\"/usr/share/keyrings/example.gpg\"]",
     "files or folders; pacman: its GnuPG folder", "Files or folders of keys; of pacman its GnuPG folder."},
    {"fingerprints", at<&RepositoryConfig::fingerprints>(), "[]", "when given, only these keys",
     "When given, only these keys of the keyring count."},
    {"public", at<&RepositoryConfig::is_public>(), "false",
     "true: may be shared; unset: when a key of sharing.public_keyrings signs it",
     "Whether it may be shared. When it is not given: when a key of \\fBsharing.public_keyrings\\fR signs it."},
    {"signed_database", at<&RepositoryConfig::signed_database>(), "true", "pacman: false when nobody signs the .db",
     "Of pacman: whether somebody signs the database. Default: true."},
    {"signed_packages", at<&RepositoryConfig::signed_packages>(), "true",
     "pacman: false where SigLevel asks for none; nothing is shared then",
     "Of pacman: whether packages are signed. With false the gateway hands them out without a signature and shares "
     "none of them. When it is not given and \\fBsigned_database\\fR is false, a package is handed out alone only when "
     "every mirror says that it has no signature."},
};

}  // namespace

std::span<const Option> options() { return all_options; }
std::span<const RepositoryKey> repository_keys() { return all_keys; }

const Option* find_option(std::string_view section, std::string_view name) {
    const auto* found = std::find_if(std::begin(all_options), std::end(all_options),
                                     [&](const Option& one) { return section == one.section && name == one.name; });
    return found == std::end(all_options) ? nullptr : found;
}

std::string Option::full_name() const { return *section ? std::string(section) + "." + name : name; }

std::vector<std::string> keep_until_restart(const Config& running, Config& fresh) {
    std::vector<std::string> changed;
    for (const auto& option : all_options) {
        if (option.applied == by_reload) continue;
        auto kept = option.place.read(running);
        if (kept == option.place.read(fresh)) continue;
        changed.push_back(option.full_name());
        (void)option.place.write(fresh, std::move(kept));  // it was accepted before
    }
    return changed;
}

}  // namespace packswarm::daemon
