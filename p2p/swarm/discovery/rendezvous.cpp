#include "p2p/swarm/discovery/rendezvous.hpp"

#include <algorithm>
#include <libtorrent/add_torrent_params.hpp>
#include <libtorrent/announce_entry.hpp>
#include <libtorrent/extensions/ut_pex.hpp>
#include <libtorrent/hasher.hpp>
#include <libtorrent/settings_pack.hpp>
#include <libtorrent/torrent_flags.hpp>
#include <libtorrent/torrent_info.hpp>
#include <libtorrent/torrent_status.hpp>

#include "p2p/base/log.hpp"
#include "p2p/core/rendezvous_plan.hpp"
#include "p2p/swarm/discovery/interfaces.hpp"

namespace packswarm::swarm {

namespace {

using namespace std::chrono_literals;

constexpr Millis redial{5'000};
constexpr Millis turn{250};  // how often it is looked whether an announce is due
constexpr Millis interfaces_interval{2'000};
constexpr Millis show_interval{1'000};
constexpr auto near_round = 1s;     // a neighbour answers within milliseconds, who was met before within a round trip;
constexpr auto far_round = 3s;      // the DHT and trackers within a few
constexpr auto lan_lasts = 5s;      // before local discovery is begun anew, when it is used
constexpr auto named_for = 1h;      // an agent that the DHT named counts for so long
constexpr auto answer_again = 60s;  // the call of a neighbour that is not met is answered once within this time,
constexpr auto answer_pause = 100ms;  // several together are answered by one announce

// Truncated SHA-256: nobody knows bytes whose SHA-1 this is.
std::string info_dictionary(const core::Lineage& lineage, const std::string& shard) {
    const auto digest =
        lt::hasher256("packswarm rendezvous 1\n" + lineage.name() + (shard.empty() ? "" : "\n" + shard)).final();
    const std::string piece(digest.data(), PieceHash::size);
    return "d6:lengthi16384e4:name20:packswarm-rendezvous12:piece lengthi16384e6:pieces20:" + piece + "e";
}

std::optional<lt::tcp::endpoint> literal(const std::string& text) {
    const auto parts = split_endpoint(text);
    lt::error_code error;
    const auto address = parts ? lt::make_address(parts->first, error) : lt::address{};
    if (!parts || error) return std::nullopt;
    return lt::tcp::endpoint(address, static_cast<std::uint16_t>(parts->second));
}

class Meeting final : public lt::torrent_plugin {
  public:
    using Named = std::function<void(const lt::tcp::endpoint&, lt::peer_source_flags_t)>;
    Meeting(Channel& channel, Doorstep& doorstep, const Meet& where, Named named)
        : channel_(channel), doorstep_(doorstep), where_(where), named_(std::move(named)) {}
    std::shared_ptr<lt::peer_plugin> new_connection(const lt::peer_connection_handle& connection) override {
        doorstep_.went_in(connection.remote());
        return channel_.connect(where_, connection);
    }
    void on_add_peer(const lt::tcp::endpoint& endpoint, lt::peer_source_flags_t way, lt::add_peer_flags_t) override {
        named_(endpoint, way);
    }

  private:
    Channel& channel_;
    Doorstep& doorstep_;
    Meet where_;
    Named named_;
};

}  // namespace

LineageId lineage_id(const core::Lineage& lineage, const std::string& shard) {
    return LineageId::from_raw(lt::hasher(info_dictionary(lineage, shard)).final().data());
}

Rendezvous::Rendezvous(Session& session, Channel& channel, Doorstep& doorstep, Dht& dht, const SwarmSettings& settings,
                       const ToLoop& loop)
    : session_(session),
      channel_(channel),
      doorstep_(doorstep),
      dht_(dht),
      loop_(loop),
      static_peers_(session, [this] { dial(); }),
      trackers_(settings.trackers),
      lan_discovery_(settings.lan_discovery),
      utp_(settings.outgoing_utp),
      internet_(settings.internet),
      shard_at_(settings.shard_at),
      dht_interval_(settings.dht_interval),
      lan_interval_(settings.lan_interval),
      count_interval_(settings.count_interval),
      guard_(settings.listen_address) {
    static_peers_.set(settings.static_peers);
}

void Rendezvous::start() {
    lan_renewed_ = now();
    running_ = addresses_of(Interfaces::running);
    channel_.on_met([this](const LineageId& lineage, const lt::tcp::endpoint& endpoint) {
        const auto at = places_.find(lineage);
        if (at == places_.end()) return;
        at->second.answered.erase(endpoint);
        met(at->second, endpoint);
    });
    if (internet_ != Internet::off && !utp_) {
        channel_.on_unreached([this](const Meet& where, const auto& endpoint) { unreached(where, endpoint); });
        channel_.on_called([this](const Meet& where, const auto& endpoint) { called(where, endpoint); });
    }
    channel_.set_named([this] { return static_peers_.endpoints(); });
    channel_.on_gone([this](const lt::address& who) { candidates_.forget({Namer::Way::pex, who}); });
    dial();
    session_.every(redial, [this] { dial(); });
    session_.every(turn, [this] {
        announce();
        dial_candidates();
        dial_again();
        punch();
        tell_company();
    });
    session_.every(interfaces_interval, [this] { look_at_interfaces(); });
    session_.every(show_interval, [this] { show(); });
    session_.every(count_interval_, [this] { count(); });
}

// ---- In and out

void Rendezvous::set_lineages(const std::vector<LineageWish>& lineages) {
    std::unordered_map<LineageId, Place> before;
    before.swap(places_);
    for (const auto& wish : lineages) {
        const auto root = lineage_id(wish.show.lineage);
        channel_.show(root, wish.show);
        for (auto at = before.begin(); at != before.end();) {
            const auto place = at++;
            if (place->second.root == root) places_.insert(before.extract(place));
        }
        if (places_.count(root) > 0) continue;
        Place place;
        place.lineage = wish.show.lineage;
        place.root = root;
        join(root, std::move(place), wish.first_dials);
    }
    for (const auto& [infohash, place] : before) {
        candidates_.leave(infohash);
        session_.handle().remove_torrent(place.torrent);
        if (place.root == infohash) channel_.forget(infohash);
    }
}

// Added paused with its peers and resumed when checked: then it connects at once instead of at the next second.
bool Rendezvous::join(const LineageId& infohash, Place place, const std::vector<std::string>& first_dials) {
    const auto info = "d4:info" + info_dictionary(place.lineage, place.shard) + "e";
    lt::add_torrent_params params;
    params.ti = std::make_shared<lt::torrent_info>(lt::span<const char>(info.data(), static_cast<int>(info.size())),
                                                   lt::from_span);
    params.save_path = "/nonexistent";
    namespace f = lt::torrent_flags;
    params.flags = f::paused | f::disable_dht;                 // the DHT is asked from here
    if (!place.shard.empty()) params.flags |= f::disable_lsd;  // neighbours meet in the whole swarm
    params.max_connections = limits::max_torrent_connections;
    for (std::size_t tier = 0; tier < trackers_.size(); ++tier) {
        params.trackers.push_back(trackers_[tier]);
        params.tracker_tiers.push_back(static_cast<int>(tier));
    }
    for (const auto& text : first_dials)
        if (const auto endpoint = literal(text)) params.peers.push_back(*endpoint);
    place.met = params.peers;
    if (place.met.size() > limits::max_lasting_acquaintances) place.met.resize(limits::max_lasting_acquaintances);
    const auto friends = static_peers_.endpoints();
    params.peers.insert(params.peers.end(), friends.begin(), friends.end());
    params.extensions.push_back([this, infohash, root = place.root](const lt::torrent_handle&, lt::client_data_t) {
        return std::make_shared<Meeting>(
            channel_, doorstep_, Meet{root, infohash},
            [this, infohash](const auto& endpoint, auto way) { named(infohash, endpoint, way); });
    });
    params.extensions.push_back(&lt::create_ut_pex_plugin);
    lt::error_code error;
    session_.let_in([&] { place.torrent = session_.handle().add_torrent(std::move(params), error); });
    if (error) {
        spdlog::error("swarm: the rendezvous of {} cannot be joined: {}", place.lineage, error.message());
        return false;
    }
    places_[infohash] = std::move(place);
    return true;
}

// libtorrent announces a torrent that starts to the local network by itself.
void Rendezvous::ready(Place& place) {
    place.is_ready = true;
    place.ready_at = now();
    session_.dial_by_tcp();
    place.torrent.resume();
    if (lan_discovery_ && place.shard.empty()) {
        ++place.announces.lan;
        takes_turn(place.lan, place, lan_interval_);
    }
    announce();
}

Rendezvous::Place* Rendezvous::find(const lt::torrent_handle& torrent) {
    for (auto& [infohash, place] : places_)
        if (place.torrent == torrent) return &place;
    return nullptr;
}

void Rendezvous::on_alert(lt::alert* alert) {
    if (const auto* reply = lt::alert_cast<lt::dht_get_peers_reply_alert>(alert)) return named_by_dht(*reply);
    if (const auto* one = lt::alert_cast<lt::incoming_connection_alert>(alert)) return came(*one);
    if (const auto* mapped = lt::alert_cast<lt::portmap_alert>(alert)) {
        spdlog::info("swarm: the router has opened port {}", mapped->external_port);
        mapped_port_ = mapped->external_port;
        return;
    }
    const auto* checked = lt::alert_cast<lt::torrent_checked_alert>(alert);
    const auto* told = lt::alert_cast<lt::tracker_announce_alert>(alert);
    const auto* heard = lt::alert_cast<lt::lsd_peer_alert>(alert);
    if (checked == nullptr && told == nullptr && heard == nullptr) return;
    auto* place = find(static_cast<lt::torrent_alert*>(alert)->handle);
    if (place == nullptr) return;
    if (heard != nullptr) return heard_on_lan(*place, heard->endpoint);
    if (told != nullptr)
        ++place->announces.tracker;
    else if (!place->is_ready)
        ready(*place);
}

// ---- Announces

bool Rendezvous::takes_turn(Round& round, const Place& place, Millis interval) {
    if (now() < round.next) return false;
    const auto chance = static_cast<double>(chance_() - std::minstd_rand::min()) /
                        static_cast<double>(std::minstd_rand::max() - std::minstd_rand::min());
    round.last = now();
    round.next = now() + core::announce_delay(++round.done, channel_.links(place.root) == 0, interval, chance);
    return true;
}

void Rendezvous::announce() {
    for (auto& [infohash, place] : places_) {
        if (!place.is_ready) continue;
        if (lan_discovery_ && place.shard.empty() && takes_turn(place.lan, place, lan_interval_)) {
            ++place.announces.lan;
            renew_lan();
            place.torrent.force_lsd_announce();
        }
        if (dht_.nodes() == 0 || !takes_turn(place.dht, place, dht_interval_)) continue;
        const lt::sha1_hash target(infohash.raw().data());
        const bool is_told = !place.is_guest && internet_ != Internet::find;
        if (is_told)
            dht_.announce(target);
        else
            dht_.look_up(target);
        place.announces.dht += is_told ? 1 : 0;
    }
}

// One announce that could not be sent (a link that was down, a firewall that was being loaded) ends libtorrent's local
// discovery, and nothing tells so. Begun anew it works again; the pauses between announces grow while nobody is met, so
// this is done seldom.
void Rendezvous::renew_lan() {
    if (now() - lan_renewed_ < lan_lasts) return;
    lan_renewed_ = now();
    for (const bool on : {false, true}) {
        lt::settings_pack pack;
        pack.set_bool(lt::settings_pack::enable_lsd, on);
        session_.handle().apply_settings(std::move(pack));
    }
}

// libtorrent dials a neighbour that it heard, but one that has just started again only after a pause: that one dials us
// when it hears us.
void Rendezvous::heard_on_lan(Place& place, const lt::tcp::endpoint& endpoint) {
    std::erase_if(place.answered, [](const auto& item) { return item.second + answer_again < now(); });
    if (!place.is_ready || channel_.is_self(endpoint)) return;
    if (channel_.is_linked(place.root, endpoint) || channel_.is_dialled(place.root, endpoint)) return;
    if (place.answered.size() >= limits::max_named_peers || !place.answered.emplace(endpoint, now()).second) return;
    place.lan.next = std::min(place.lan.next, place.lan.last + answer_pause);
    announce();
}

void Rendezvous::named_by_dht(const lt::dht_get_peers_reply_alert& alert) {
    const auto at = places_.find(LineageId::from_raw(alert.info_hash.data()));
    if (at == places_.end()) return;
    for (const auto& endpoint : alert.peers()) {
        if (channel_.is_self(endpoint)) continue;
        auto& named = at->second.named;
        if (named.size() < limits::max_named_peers || named.count(endpoint) > 0) named[endpoint] = now();
        consider({at->first, endpoint}, {Namer::Way::dht, {}});
    }
    dial_candidates();
}

// ---- Too many

std::size_t Rendezvous::seen(const LineageId& infohash) const {
    const auto& place = places_.at(infohash);
    const auto status = place.torrent.status({});
    const auto tracked = std::max(status.num_complete, 0) + std::max(status.num_incomplete, 0);
    return std::max(
        {static_cast<std::size_t>(tracked), place.named.size(), static_cast<std::size_t>(status.num_peers)});
}

void Rendezvous::count() {
    std::vector<LineageId> overfull;
    for (auto& [infohash, place] : places_) {
        std::erase_if(place.named, [](const auto& item) { return item.second + named_for < now(); });
        const auto bits = static_cast<int>(place.shard.size());
        if (!place.is_guest && core::leaves_for_shard(channel_.agent_id(), bits, seen(infohash), shard_at_))
            overfull.push_back(infohash);
    }
    for (const auto& infohash : overfull) move_to_shard(infohash);
}

// As a guest it still looks up who is there, gossips and meets neighbours: the shards of a lineage stay one network.
void Rendezvous::move_to_shard(const LineageId& infohash) {
    auto& full = places_.at(infohash);
    Place shard;
    shard.lineage = full.lineage;
    shard.root = full.root;
    shard.shard = core::shard_name(channel_.agent_id(), static_cast<int>(full.shard.size()) + 1);
    spdlog::info("swarm: {} has grown beyond {} agents; this one goes to shard {}", full.lineage, shard_at_,
                 shard.shard);
    const auto torrent = full.torrent;
    full.is_guest = true;
    if (!join(lineage_id(shard.lineage, shard.shard), shard, {})) return;
    torrent.replace_trackers({});
}

// ---- For the owner

void Rendezvous::show() {
    DiscoveryView view;
    view.dht_is_on = dht_.is_on();
    view.dht_nodes = dht_.nodes();
    view.was_reached = was_reached_;
    view.mapped_port = mapped_port_;
    for (const auto& [infohash, place] : places_) {
        if (!place.is_ready) continue;
        view.swarms.push_back({place.lineage, place.shard, infohash.hex(), place.is_guest, channel_.links(place.root),
                               seen(infohash), place.announces});
    }
    std::sort(view.swarms.begin(), view.swarms.end(),
              [](const auto& a, const auto& b) { return std::tie(a.lineage, a.shard) < std::tie(b.lineage, b.shard); });
    if (view == shown_) return;
    shown_ = view;
    loop_.tell([view](LoopSide& side) { side.discovered(view); });
}

// ---- For those who wait

bool Rendezvous::has_settled(const Place& place) const {
    const bool asks_far = !trackers_.empty() || dht_.is_on();
    return place.is_ready && now() - place.ready_at >= (asks_far ? far_round : near_round);
}

void Rendezvous::tell_company() {
    std::map<core::Lineage, broker::Company> company;
    for (const auto& [infohash, place] : places_)
        if (place.root == infohash)
            company[place.lineage] = {channel_.links(infohash), channel_.rising(infohash), has_settled(place)};
    if (company == told_) return;
    told_ = company;
    loop_.tell([company](LoopSide& side) { side.around(company); });
}

}  // namespace packswarm::swarm
