#include "p2p/swarm/discovery/dht.hpp"

#include <algorithm>
#include <libtorrent/alert_types.hpp>
#include <libtorrent/kademlia/announce_flags.hpp>
#include <libtorrent/session.hpp>
#include <libtorrent/session_stats.hpp>

#include "p2p/base/file.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/swarm/discovery/resolve.hpp"

namespace packswarm::swarm {

namespace {

using namespace std::chrono_literals;

constexpr Millis look_soon{250};  // until there are nodes
constexpr Millis look_interval{15'000};
constexpr Millis first_look{1'500};      // by then a remembered node has answered
constexpr Millis again_interval{5'000};  // an empty table asks the named nodes again
constexpr Millis first_save{30'000};
constexpr Millis save_interval{300'000};
constexpr int own_network_failures = 3;  // then a node is gone: where few remain each look-up would wait 15 s for it
constexpr int own_network_rate =
    100;  // messages a second from one node; the public network's 5 are soon used up in a small one

bool is_on(const SwarmSettings& settings) {
    return settings.dht || !settings.dht_nodes.empty() || settings.internet != Internet::off;
}

lt::udp::endpoint udp(const lt::address& address, int port) { return {address, static_cast<std::uint16_t>(port)}; }

std::optional<lt::udp::endpoint> literal_node(const std::string& node) {
    const auto parts = split_endpoint(node);
    lt::error_code error;
    const auto address = parts ? lt::make_address(parts->first, error) : lt::address{};
    if (!parts || error) return std::nullopt;
    return udp(address, parts->second);
}

// A network of the owner's own: every node named is an address of the local networks.
bool is_own_network(const SwarmSettings& settings, const Networks& lan) {
    if (settings.dht_nodes.empty() && settings.internet != Internet::off) return false;
    return std::all_of(settings.dht_nodes.begin(), settings.dht_nodes.end(), [&](const std::string& node) {
        const auto endpoint = literal_node(node);
        return endpoint && lan.contains(endpoint->address());
    });
}

// The guards against one host posing as many nodes would leave a network whose nodes all live in one subnet almost
// empty.
void open_up(lt::settings_pack& pack) {
    pack.set_bool(lt::settings_pack::dht_restrict_routing_ips, false);
    pack.set_bool(lt::settings_pack::dht_restrict_search_ips, false);
    pack.set_bool(lt::settings_pack::dht_ignore_dark_internet, false);
    pack.set_int(lt::settings_pack::dht_block_ratelimit, own_network_rate);
    pack.set_int(lt::settings_pack::dht_max_fail_count, own_network_failures);
}

Result<lt::dht::dht_state> parse_state(const std::string& text) try {
    auto state = lt::read_session_params(lt::span<const char>(text.data(), static_cast<int>(text.size())),
                                         lt::session_handle::save_dht_state)
                     .dht_state;
    if (state.nodes.empty() && state.nodes6.empty()) return fail(ErrorKind::Corrupt, "it names no nodes");
    return state;
} catch (const std::exception& error) {
    return fail(ErrorKind::Corrupt, "{}", error.what());
}

lt::dht::dht_state remembered(const std::filesystem::path& file) {
    const auto text = read_text(file, limits::max_dht_state);
    if (!text && text.error().kind == ErrorKind::Absent) return {};
    auto state = text ? parse_state(*text) : tl::unexpected(text.error());
    if (state) return std::move(*state);
    spdlog::warn("swarm: what was remembered of the DHT is ignored: {}: {}", file.string(),
                 printable(state.error().message));
    return {};
}

}  // namespace

void Dht::prepare(lt::session_params& params, const SwarmSettings& settings, const Networks& lan) {
    params.settings.set_bool(lt::settings_pack::enable_dht,
                             false);  // start does it: before there are sockets the state would be lost
    params.settings.set_str(lt::settings_pack::dht_bootstrap_nodes,
                            "");  // those are only asked, and never become part of the table
    if (!swarm::is_on(settings)) return;
    // Who is not to be found answers nobody: other nodes leave it out of their tables.
    params.settings.set_bool(lt::settings_pack::dht_read_only, settings.internet == Internet::find);
    auto& state = params.dht_state;
    if (!settings.dht_state_file.empty()) state = remembered(settings.dht_state_file);
    if (is_own_network(settings, lan)) {
        open_up(params.settings);
        std::erase_if(state.nodes, [&](const auto& node) { return !lan.contains(node.address()); });
        std::erase_if(state.nodes6, [&](const auto& node) { return !lan.contains(node.address()); });
    }
    for (auto* nodes : {&state.nodes, &state.nodes6}) nodes->resize(std::min(nodes->size(), limits::max_dht_nodes));
    for (const auto& node : settings.dht_nodes)
        if (const auto endpoint = literal_node(node)) state.nodes.insert(state.nodes.begin(), *endpoint);
}

Dht::Dht(Session& session, const SwarmSettings& settings, std::function<void(Bytes)> save)
    : session_(session), save_(std::move(save)), is_on_(swarm::is_on(settings)), named_(nodes_of(settings.dht_nodes)) {
    auto lan = Networks::parse(settings.lan_networks);
    const bool is_public = settings.internet != Internet::off && !(lan && is_own_network(settings, *lan));
    if (is_public) public_ = nodes_of(settings.public_nodes);
}

std::vector<Dht::Node> Dht::nodes_of(const std::vector<std::string>& texts) {
    std::vector<Node> out;
    for (const auto& text : texts) {
        const auto parts = split_endpoint(text);
        if (!parts) continue;  // refused when the settings were read
        auto& node = out.emplace_back(Node{parts->first, parts->second, {}});
        if (const auto endpoint = literal_node(text)) node.endpoints.push_back(*endpoint);
    }
    return out;
}

void Dht::start() {
    if (!is_on_) return;
    lt::settings_pack on;
    on.set_bool(lt::settings_pack::enable_dht, true);
    session_.handle().apply_settings(on);
    begin_again();
    look_around();
    session_.every(again_interval, [this] {
        if (nodes_ == 0) begin_again();
    });
    if (!public_.empty()) session_.after(named_.empty() ? first_look : again_interval, [this] { ask_public_nodes(); });
    const auto save = [this] {
        if (auto now = state(); !now.empty()) save_(std::move(now));
    };
    session_.after(first_save, save);
    session_.every(save_interval, save);
}

void Dht::look_around() {
    const auto state = session_.handle().session_state(lt::session_handle::save_dht_state).dht_state;
    nodes_ = state.nodes.size() + state.nodes6.size();
    if (!public_.empty() && !was_heard_) session_.handle().post_session_stats();
    const bool is_new = nodes_ == 0 || (!public_.empty() && !was_heard_);
    session_.after(is_new ? look_soon : look_interval, [this] { look_around(); });
}

void Dht::begin_again() { add(named_); }

// Those remembered and named come first. A table that is full of nodes that have gone looks like one that works: what
// counts is whether anybody has answered.
void Dht::ask_public_nodes() {
    if (was_heard_) return;
    add(public_);
    session_.after(again_interval, [this] { ask_public_nodes(); });
}

void Dht::on_alert(lt::alert* alert) {
    static const auto messages = lt::find_metric_idx("dht.dht_messages_in");
    const auto* stats = lt::alert_cast<lt::session_stats_alert>(alert);
    if (stats == nullptr || messages < 0) return;
    if (stats->counters()[messages] > 0) was_heard_ = true;
}

void Dht::add(std::vector<Node>& nodes) {
    for (auto& node : nodes) {
        for (const auto& endpoint : node.endpoints)
            session_.handle().add_dht_node({endpoint.address().to_string(), endpoint.port()});
        if (!node.endpoints.empty()) continue;
        resolve(node.host, session_.poster(), [this, &node](const std::vector<lt::address>& addresses) {
            node.endpoints.clear();
            for (const auto& address : addresses) {
                node.endpoints.push_back(udp(address, node.port));
                session_.handle().add_dht_node({address.to_string(), node.port});
            }
        });
    }
}

// implied_port: the nodes take the port that the packet came from, which is the right one behind a NAT too.
void Dht::announce(const lt::sha1_hash& infohash) {
    session_.handle().dht_announce(infohash, 0, lt::dht::announce::implied_port);
}

void Dht::look_up(const lt::sha1_hash& infohash) { session_.handle().dht_get_peers(infohash); }

Bytes Dht::state() const {
    if (!is_on_) return {};
    auto params = session_.handle().session_state(lt::session_handle::save_dht_state);
    auto& nodes = params.dht_state.nodes;
    if (nodes.empty() && params.dht_state.nodes6.empty()) return {};
    nodes.resize(std::min(nodes.size(), limits::max_dht_nodes));
    return lt::write_session_params_buf(params, lt::session_handle::save_dht_state);
}

}  // namespace packswarm::swarm
