#include "p2p/daemon/config.hpp"

#include <toml++/toml.h>

#include <charconv>
#include <functional>
#include <sstream>
#include <variant>

#include "p2p/base/file.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"

namespace packswarm::daemon {

namespace {

constexpr ByteCount max_config = limits::mib;

struct Range {
    std::int64_t least = 0, most = std::numeric_limits<std::int64_t>::max();
};
struct Size {  // bytes, written with or without a unit
    ByteCount Config::*at;
    Range range;
};
struct Number {
    std::int64_t Config::*at;
    Range range;
};
using Target = std::variant<std::string Config::*, bool Config::*, std::vector<std::string> Config::*, Size, Number>;

struct Option {
    const char* section;
    const char* name;
    Target target;
    const char* prose;
};

const std::vector<Option>& options() {
    static const std::vector<Option> all = {
        {"", "state_dir", &Config::state_dir,
         "Folder for packages, indexes and the ledger. Belongs to the agent alone."},
        {"", "socket", &Config::socket, "Control socket; packswarm and apt's method find the agent through it."},
        {"", "log_level", &Config::log_level, "What is written to standard error: debug, info, warn or error."},
        {"gateway", "listen", &Config::gateway_listen,
         "Address and port for pacman and for HTTP proxies. Empty: no gateway."},
        {"gateway", "allow", &Config::gateway_allow,
         "Networks besides loopback that may use the gateway, such as 192.168.1.0/24. Nothing of this machine or its "
         "link is "
         "asked for them, and only ports 80, 443 and those of mirrors here."},
        {"swarm", "enabled", &Config::swarm_enabled, "Whether other agents are spoken to at all. false: mirrors only."},
        {"swarm", "listen", &Config::swarm_listen, "Address and port (TCP and UDP) for other agents."},
        {"swarm", "peers", &Config::swarm_peers, "Agents to connect to at once, as host:port."},
        {"swarm", "lan_discovery", &Config::swarm_lan_discovery,
         "Find agents on the local network by multicast (BEP 14)."},
        {"swarm", "dht_nodes", &Config::swarm_dht_nodes,
         "Nodes of a DHT, as host:port, through which agents are found that share a repository. It tells strangers "
         "which ones this machine uses. Empty: no DHT."},
        {"swarm", "dht", &Config::swarm_dht,
         "Be a node of the DHT although none is named above: for the first node of a network of your own."},
        {"swarm", "trackers", &Config::swarm_trackers,
         "Trackers, as http://, https:// or udp:// announce addresses, at most 16. They learn which repositories this "
         "machine shares. Empty: none."},
        {"swarm", "shard_at", Number{&Config::swarm_shard_at, {50, 1'000'000}},
         "Agents in one repository's swarm, beyond which some of them move to smaller swarms."},
        {"swarm", "utp", &Config::swarm_utp,
         "Connect by uTP first, which yields to other traffic but is slow on fast lines. Incoming uTP is always "
         "taken."},
        {"swarm", "upload_limit", Size{&Config::swarm_upload_limit, {0}},
         "Bytes per second given to peers outside the local network. 0: no limit."},
        {"swarm", "announce_large", Number{&Config::swarm_announce_large, {0, 3600}},
         "Announces of single large artifacts to the DHT, at most so many an hour, for clients that know only a magnet "
         "link. Agents need none. 0: none."},
        {"swarm", "lan_networks", &Config::swarm_lan_networks,
         "Networks that count as local: no upload limit, asked before mirrors. Empty: the private ranges."},
        {"swarm", "banned_networks", &Config::swarm_banned_networks, "Networks never connected to."},
        {"swarm", "ban_seconds", Number{&Config::swarm_ban_seconds, {1, 86400 * 30}},
         "How long a peer that broke the rules is left alone."},
        {"swarm", "peer_grace_ms", Number{&Config::swarm_peer_grace_ms, {0, 60000}},
         "How long a request that no mirror can answer waits for peers to speak up."},
        {"swarm", "ask_strangers", &Config::swarm_ask_strangers,
         "Whether peers outside the local network that are not named above are asked for packages: for large ones, and "
         "for what "
         "mirrors and neighbours do not give within a moment. false: never."},
        {"sharing", "enabled", &Config::sharing_enabled, "Whether anything is offered to other agents."},
        {"sharing", "public_keyrings", &Config::sharing_keyrings,
         "Keyring files of distributions. Only packages of repositories signed by a key in them are ever named to "
         "others."},
        {"sharing", "pacman_repositories", &Config::sharing_pacman_repositories,
         "pacman repositories whose databases nobody signs, but whose packages may be shared once their own signatures "
         "are checked."},
        {"sharing", "monthly_quota", Size{&Config::sharing_monthly_quota, {0}},
         "Most that peers outside the local network are given in a calendar month (UTC); then only neighbours are, "
         "until the next one. 0: no limit."},
        {"sharing", "not_on_interfaces", &Config::sharing_not_on_interfaces,
         "Nothing is given to anybody while the default route leads through one of these, such as \"wwan0\" or "
         "\"wwan*\"."},
        {"sharing", "not_on_networks", &Config::sharing_not_on_networks,
         "Nothing is given to anybody while this machine has an address in one of these, such as \"10.9.0.0/16\"."},
        {"sharing", "fetch_while_paused", &Config::sharing_fetch_while_paused,
         "Whether peers are still asked while one of these two pauses sharing. false: this agent then leaves every "
         "swarm."},
        {"store", "quota", Size{&Config::store_quota, {16 * limits::mib}}, "Most that the store may hold."},
        {"store", "reserve", Size{&Config::store_reserve, {0}}, "Space on its file system that the store leaves free."},
        {"store", "scrub", Size{&Config::store_scrub, {0}},
         "Bytes per second at which stored files that were not hashed since the start are, while nobody wants "
         "anything. "
         "0: only when somebody asks for them."},
        {"web", "ca_file", &Config::web_ca_file,
         "PEM file of certificate authorities for HTTPS mirrors. Empty: the system's."},
        {"web", "ca_path", &Config::web_ca_path, "Folder of certificate authorities. Empty: the system's."},
        {"sources", "apt", &Config::sources_apt, "Learn repositories, mirrors and keyrings from apt's sources."},
        {"sources", "apt_dir", &Config::sources_apt_dir, "Where apt's configuration lies."},
        {"sources", "apt_lists", &Config::sources_apt_lists,
         "Where apt keeps its copies of indexes: patched package lists are read there instead of being fetched."},
        {"sources", "daily_indexes", Size{&Config::sources_daily_indexes, {0}},
         "Most that mirrors give in a day (UTC) of package lists that no package manager asked for. What peers give "
         "does not count. 0: nothing."},
        {"sources", "dpkg_status", &Config::sources_dpkg_status,
         "Where dpkg keeps the version of apt: it decides which keys apt trusts."},
        {"sources", "pacman", &Config::sources_pacman, "Learn repositories and mirrors from pacman's configuration."},
        {"sources", "pacman_conf", &Config::sources_pacman_conf, "Where pacman's configuration lies."},
        {"pacman", "ahead", &Config::pacman_ahead,
         "Ask a running pacman (pacman --print with its own arguments) for the rest of its transaction, and fetch that "
         "ahead while it runs."},
    };
    return all;
}

std::string full_name(const Option& option) { return *option.section ? std::string(option.section) + "." + option.name : option.name; }

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

std::string size_text(ByteCount bytes) {
    for (const auto& [unit, name] : {std::pair{limits::gib, "GiB"}, {limits::mib, "MiB"}, {limits::kib, "KiB"}})
        if (bytes >= unit && bytes % unit == 0) return quoted(std::to_string(bytes / unit) + " " + name);
    return std::to_string(bytes);
}

std::string value_text(const Config& config, const Target& target) {
    if (const auto* at = std::get_if<std::string Config::*>(&target)) return quoted(config.**at);
    if (const auto* at = std::get_if<bool Config::*>(&target)) return config.**at ? "true" : "false";
    if (const auto* at = std::get_if<Size>(&target)) return size_text(config.*(at->at));
    if (const auto* at = std::get_if<Number>(&target)) return std::to_string(config.*(at->at));
    std::string out = "[";
    for (const auto& item : config.*std::get<std::vector<std::string> Config::*>(target)) out += (out.size() > 1 ? ", " : "") + quoted(item);
    return out + "]";
}

Result<std::int64_t> in_range(std::int64_t value, const Range& range, const std::string& name) {
    if (value >= range.least && value <= range.most) return value;
    return fail(ErrorKind::Refused, "{} = {} is out of range: {} to {}", name, value, range.least,
                range.most == std::numeric_limits<std::int64_t>::max() ? std::string("any") : std::to_string(range.most));
}

template <class T>
Result<void> store_number(Config& config, const T& target, Result<std::int64_t> value, const std::string& name) {
    if (value) value = in_range(*value, target.range, name);
    if (!value) return tl::unexpected(value.error());
    config.*(target.at) = *value;
    return {};
}

Result<std::int64_t> parse_number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return fail(ErrorKind::Refused, "'{}' is not a whole number", printable(text));
    return value;
}

std::vector<std::string> split_list(const std::string& text) {
    std::vector<std::string> out;
    std::istringstream stream(text);
    for (std::string item; std::getline(stream, item, ',');)
        if (!item.empty()) out.push_back(item);
    return out;
}

Result<std::vector<std::string>> texts_of(const toml::node& node, const std::string& name) {
    const auto* array = node.as_array();
    if (array == nullptr) return fail(ErrorKind::Refused, "{} must be a list of texts, such as [\"...\"]", name);
    std::vector<std::string> out;
    for (const auto& item : *array) {
        const auto text = item.value<std::string>();
        if (!text || !item.is_string()) return fail(ErrorKind::Refused, "{} must hold texts only", name);
        out.push_back(*text);
    }
    return out;
}

Result<void> take(Config& config, const Option& option, const toml::node& node) {
    const auto name = full_name(option);
    if (const auto* at = std::get_if<std::string Config::*>(&option.target)) {
        if (!node.is_string()) return fail(ErrorKind::Refused, "{} must be a text in quotes", name);
        config.**at = *node.value<std::string>();
        return {};
    }
    if (const auto* at = std::get_if<bool Config::*>(&option.target)) {
        if (!node.is_boolean()) return fail(ErrorKind::Refused, "{} must be true or false", name);
        config.**at = *node.value<bool>();
        return {};
    }
    if (const auto* at = std::get_if<std::vector<std::string> Config::*>(&option.target)) {
        auto texts = texts_of(node, name);
        if (!texts) return tl::unexpected(texts.error());
        config.**at = std::move(*texts);
        return {};
    }
    if (const auto* at = std::get_if<Size>(&option.target)) {
        if (node.is_string()) return store_number(config, *at, parse_size(*node.value<std::string>()), name);
        if (node.is_integer()) return store_number(config, *at, *node.value<std::int64_t>(), name);
        return fail(ErrorKind::Refused, "{} must be a size such as \"10 GiB\"", name);
    }
    if (!node.is_integer()) return fail(ErrorKind::Refused, "{} must be a whole number", name);
    return store_number(config, std::get<Number>(option.target), *node.value<std::int64_t>(), name);
}

Result<RepositoryConfig> parse_repository(const toml::table& table) {
    RepositoryConfig out;
    const std::map<std::string_view, std::string*> texts = {{"format", &out.format}, {"suite", &out.suite}};
    const std::map<std::string_view, std::vector<std::string>*> lists = {{"components", &out.components},
        {"architectures", &out.architectures}, {"mirrors", &out.mirrors}, {"keyring", &out.keyring}, {"fingerprints", &out.fingerprints}};
    for (const auto& [key, node] : table) {
        const std::string name = "repository." + std::string(key.str());
        if (const auto text = texts.find(key.str()); text != texts.end()) {
            if (!node.is_string()) return fail(ErrorKind::Refused, "{} must be a text in quotes", name);
            *text->second = *node.value<std::string>();
        } else if (const auto list = lists.find(key.str()); list != lists.end()) {
            auto values = texts_of(node, name);
            if (!values) return tl::unexpected(values.error());
            *list->second = std::move(*values);
        } else if (key.str() == "signed_packages" && node.is_boolean()) {
            out.signed_packages = *node.value<bool>();
        } else if ((key.str() == "public" || key.str() == "signed_database") && node.is_boolean()) {
            if (key.str() == "public") out.is_public = *node.value<bool>();
            else out.signed_database = *node.value<bool>();
        } else {
            return fail(ErrorKind::Refused, "{} is not an option, or not of that type", printable(name));
        }
    }
    if (out.format != "debian" && out.format != "pacman") return fail(ErrorKind::Refused, "repository.format must be \"debian\" or \"pacman\"");
    if (out.suite.empty() || out.mirrors.empty()) return fail(ErrorKind::Refused, "a repository needs a suite and at least one mirror");
    return out;
}

Result<void> take_repositories(Config& config, const toml::node& node) {
    const auto* list = node.as_array();
    if (list == nullptr) return fail(ErrorKind::Refused, "repositories are written as [[repository]] tables");
    for (const auto& item : *list) {
        const auto* table = item.as_table();
        if (table == nullptr) return fail(ErrorKind::Refused, "repositories are written as [[repository]] tables");
        auto repository = parse_repository(*table);
        if (!repository) return tl::unexpected(repository.error());
        config.repositories.push_back(std::move(*repository));
    }
    return {};
}

Result<void> take_table(Config& config, const toml::table& table, const std::string& section) {
    for (const auto& [key, node] : table) {
        const std::string name(key.str());
        if (section.empty() && name == "repository") {
            if (auto taken = take_repositories(config, node); !taken) return taken;
            continue;
        }
        if (section.empty() && node.is_table()) {
            if (auto taken = take_table(config, *node.as_table(), name); !taken) return taken;
            continue;
        }
        const auto option = std::find_if(options().begin(), options().end(),
                                         [&](const Option& known) { return known.section == section && known.name == name; });
        const auto shown = printable(section.empty() ? name : section + "." + name);
        if (option == options().end())
            return fail(ErrorKind::Refused, "line {}: there is no option {}; packswarmd --print-config lists them all", node.source().begin.line, shown);
        if (auto taken = take(config, *option, node); !taken)
            return fail(ErrorKind::Refused, "line {}: {}", node.source().begin.line, taken.error().message);
    }
    return {};
}

}  // namespace

Config::Config() {
    sharing_keyrings = {"/usr/share/keyrings/debian-archive-keyring.gpg", "/usr/share/keyrings/ubuntu-archive-keyring.gpg",
                        "/usr/share/pacman/keyrings/archlinux.gpg", "/usr/share/pacman/keyrings/archlinuxarm.gpg"};
    sharing_pacman_repositories = {"core", "extra", "multilib", "community", "core-testing", "extra-testing", "multilib-testing"};
}

std::vector<OptionText> option_texts() {
    std::vector<OptionText> out;
    for (const auto& option : options())
        out.push_back({full_name(option), std::string(option.prose) + " Default: " + value_text(Config{}, option.target)});
    return out;
}

std::string default_file() {
    std::string out = "# packswarm.toml: every option with its default. Lines that begin with '#' change nothing.\n";
    std::string section;
    for (const auto& option : options()) {
        if (section != option.section) out += fmt::format("\n[{}]\n", section = option.section);
        out += fmt::format("\n# {}\n", option.prose);
        if (const auto* number = std::get_if<Number>(&option.target)) out += fmt::format("# {} to {}.\n", number->range.least, number->range.most);
        if (const auto* size = std::get_if<Size>(&option.target)) out += fmt::format("# A size such as \"512 MiB\", at least {}.\n", size->range.least);
        out += fmt::format("#{} = {}\n", option.name, value_text(Config{}, option.target));
    }
    return out + R"(
# Repositories beside those learned from apt and pacman. Tables of one suite and keyring share their mirrors.
#[[repository]]
#format = "debian"                       # or "pacman"
#suite = "stable"                        # pacman: the repository's name
#components = ["main"]
#architectures = ["amd64"]
#mirrors = ["http://mirror.example/debian", "https://other.example/pub/debian"]
#keyring = ["/usr/share/keyrings/example.gpg"]   # files or folders; pacman: its GnuPG folder
#fingerprints = []                       # when given, only these keys
#public = false                          # true: may be shared; unset: when a key of sharing.public_keyrings signs it
#signed_database = true                  # pacman: false when nobody signs the .db
#signed_packages = true                  # pacman: false where SigLevel asks for none; nothing is shared then
)";
}

Result<ByteCount> parse_size(std::string_view text) {
    const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
    auto number = parse_number(text.substr(0, digits));
    auto unit = text.substr(digits);
    while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
    ByteCount factor = 0;
    for (const auto& [name, value] : {std::pair<std::string_view, ByteCount>{"", 1}, {"B", 1}, {"K", limits::kib}, {"KiB", limits::kib}, {"M", limits::mib},
                                      {"MiB", limits::mib}, {"G", limits::gib}, {"GiB", limits::gib}, {"TiB", 1024 * limits::gib}})
        if (unit == name) factor = value;
    if (!number || factor == 0 || *number > std::numeric_limits<ByteCount>::max() / factor)
        return fail(ErrorKind::Refused, "'{}' is not a size; write for example 512 MiB", printable(text));
    return *number * factor;
}

Result<Endpoint> parse_endpoint(const std::string& text) {
    const auto colon = text.rfind(':');
    auto port = colon == std::string::npos ? fail(ErrorKind::Refused, "no port") : parse_number(std::string_view(text).substr(colon + 1));
    if (!port || *port < 0 || *port > 65535) return fail(ErrorKind::Refused, "'{}' is not address:port, such as 127.0.0.1:7878", printable(text));
    std::string address = text.substr(0, colon);
    if (address.size() > 2 && address.front() == '[' && address.back() == ']') address = address.substr(1, address.size() - 2);
    return Endpoint{address, static_cast<int>(*port)};
}

Result<void> set_option(Config& config, const std::string& name, const std::string& text) {
    const auto option = std::find_if(options().begin(), options().end(), [&](const Option& known) { return full_name(known) == name; });
    if (option == options().end()) return fail(ErrorKind::Refused, "there is no option {}", printable(name));
    if (const auto* at = std::get_if<std::string Config::*>(&option->target)) {
        config.**at = text;
        return {};
    }
    if (const auto* at = std::get_if<bool Config::*>(&option->target)) {
        if (text != "true" && text != "false") return fail(ErrorKind::Refused, "{} must be true or false", name);
        config.**at = text == "true";
        return {};
    }
    if (const auto* at = std::get_if<std::vector<std::string> Config::*>(&option->target)) {
        config.**at = split_list(text);
        return {};
    }
    if (const auto* at = std::get_if<Size>(&option->target)) return store_number(config, *at, parse_size(text), name);
    return store_number(config, std::get<Number>(option->target), parse_number(text), name);
}

Result<core::SharingRules> sharing_rules(const Config& config) {
    core::SharingRules out{config.sharing_enabled, config.sharing_monthly_quota, config.sharing_not_on_interfaces, {}, config.sharing_fetch_while_paused};
    for (const auto& text : config.sharing_not_on_networks) {
        const auto network = IpNetwork::parse(text);
        if (!network) return fail(ErrorKind::Refused, "sharing.not_on_networks: {}", network.error().message);
        out.not_on_networks.push_back(*network);
    }
    return out;
}

Result<Config> parse_config(std::string_view text, const std::string& file_name) {
    const toml::parse_result parsed = toml::parse(text);
    if (!parsed)
        return fail(ErrorKind::Refused, "{}, line {}: {}", file_name, parsed.error().source().begin.line, printable(parsed.error().description()));
    Config config;
    if (auto taken = take_table(config, parsed.table(), ""); !taken) return fail(ErrorKind::Refused, "{}: {}", file_name, taken.error().message);
    if (auto rules = sharing_rules(config); !rules) return fail(ErrorKind::Refused, "{}: {}", file_name, rules.error().message);
    return config;
}

Result<Config> load_config(const std::string& path) {
    const auto text = read_text(path, max_config);
    if (!text) return tl::unexpected(text.error());
    return parse_config(*text, path);
}

}  // namespace packswarm::daemon
