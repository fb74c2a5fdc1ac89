// Rendezvous, the part that dials: endpoints that others named, in their turn, peers that the owner named, and those
// met before.
#include <algorithm>

#include "p2p/swarm/discovery/interfaces.hpp"
#include "p2p/swarm/discovery/rendezvous.hpp"

namespace packswarm::swarm {

namespace {

using namespace std::chrono_literals;

constexpr int guest_dials = 32;
constexpr auto leaves_within = 1500ms;   // libtorrent dials once a second
constexpr Millis longest_alone{60'000};  // between two rounds of dials to those met before
constexpr Seconds hurry{10};
constexpr Millis tcp_patience{3'000};  // then it is tried over uTP
constexpr Millis utp_stays{1'500};

}  // namespace

// ---- Endpoints that others name

void Rendezvous::named(const LineageId& infohash, const lt::tcp::endpoint& endpoint, lt::peer_source_flags_t way) {
    if (session_.lets_in()) return;  // by us
    auto namer = Namer{Namer::Way::lan, {}};
    if (way & lt::peer_info::tracker)
        namer.way = Namer::Way::tracker;
    else if (way & lt::peer_info::pex)
        namer = {Namer::Way::pex, channel_.gossip()};
    if (!Session::has_door) {
        taken_up_.emplace_back(Candidate{infohash, endpoint}, namer);
        if (taken_up_.size() == 1) session_.post([this] { take_over(); });
        return;
    }
    consider({infohash, endpoint}, namer);
    dial_candidates();
}

// libtorrent has taken them up: before it dials, that is ended, and they wait for their turn here.
void Rendezvous::take_over() {
    const auto taken_up = std::exchange(taken_up_, {});
    std::map<LineageId, std::set<lt::address>> addresses;
    for (const auto& [candidate, namer] : taken_up) {
        const auto at = places_.find(candidate.swarm);
        const auto& endpoint = candidate.endpoint;
        if (at == places_.end() || channel_.is_connected(candidate.swarm, endpoint.address())) continue;
        if (channel_.is_dialled(at->second.root, endpoint)) continue;  // nothing new, as when a friend introduces two
        addresses[candidate.swarm].insert(endpoint.address());
    }
    for (const auto& [infohash, named] : addresses)
        session_.give_up(places_.at(infohash).torrent, {named.begin(), named.end()});
    begin_again(addresses);
    for (const auto& [candidate, namer] : taken_up) consider(candidate, namer);
}

// A dial to the same address that was to leave at libtorrent's next turn was given up with the rest.
void Rendezvous::begin_again(const std::map<LineageId, std::set<lt::address>>& given_up) {
    std::erase_if(begun_,
                  [this](const auto& one) { return one.second + leaves_within < now() || !is_wanted(one.first); });
    for (const auto& [candidate, since] : begun_) {
        const auto at = given_up.find(candidate.swarm);
        if (at != given_up.end() && at->second.count(candidate.endpoint.address()) > 0) dial(candidate);
    }
}

void Rendezvous::consider(const Candidate& candidate, const Namer& namer) {
    const bool on_link = namer.way == Namer::Way::lan;
    if (!guard_.lets(candidate.endpoint, now(), on_link) || !is_wanted(candidate)) return;
    candidates_.name(candidate, namer, now());
    if (namer.way == Namer::Way::pex) punches_.named(candidate, namer.who);
}

bool Rendezvous::is_wanted(const Candidate& candidate) const {
    const auto at = places_.find(candidate.swarm);
    const auto& endpoint = candidate.endpoint;
    if (at == places_.end() || channel_.is_self(endpoint) || session_.is_banned(plain(endpoint.address())))
        return false;
    return !channel_.is_linked(at->second.root, endpoint) && !channel_.is_dialled(at->second.root, endpoint);
}

void Rendezvous::dial_candidates() {
    if (session_.is_utp_open() || !punches_.is_empty()) return;  // later, over TCP
    while (const auto candidate =
               candidates_.next(now(), [this](const auto& one) { return is_wanted(one) && !is_full(one.swarm); })) {
        if (!Session::has_door) begun_.emplace_back(*candidate, now());
        dial(*candidate);
    }
}

void Rendezvous::dial(const Candidate& candidate) {
    connect(places_.at(candidate.swarm), candidate.endpoint,
            utp_ ? lt::pex_utp | lt::pex_holepunch : lt::pex_flags_t{});
}

bool Rendezvous::is_full(const LineageId& infohash) const {
    const auto& place = places_.at(infohash);
    return channel_.dialled(infohash) >= (place.is_guest ? guest_dials : limits::max_lineage_dials);
}

// A tracker's word takes one failed dial of those that libtorrent remembers from the endpoint: it is tried again.
void Rendezvous::connect(const Place& place, const lt::tcp::endpoint& endpoint, lt::pex_flags_t flags) {
    if (session_.is_banned(plain(endpoint.address()))) return;
    if (!session_.is_utp_open()) session_.dial_by_tcp();
    session_.let_in([&] { place.torrent.connect_peer(endpoint, lt::peer_info::tracker, flags); });
}

// ---- Behind routers

// What libtorrent dials for us may be the last attempt of several: what was reached meanwhile is not wanted any more.
void Rendezvous::unreached(const Meet& where, const lt::tcp::endpoint& endpoint) {
    const Candidate candidate{where.torrent, endpoint};
    if (!is_wanted(candidate) || !punches_.want(candidate, now())) return;
    channel_.wish_to_meet(where.lineage, endpoint, punches_.namer(candidate));
}

// A friend's word is worth as much as that of who names endpoints.
void Rendezvous::called(const Meet& where, const lt::tcp::endpoint& endpoint) {
    const Candidate candidate{where.torrent, endpoint};
    if (guard_.lets(endpoint, now()) && is_wanted(candidate)) punches_.want(candidate, now());
}

// Whoever is dialled while uTP is open is dialled over it: what was begun before has to have left first.
void Rendezvous::punch() {
    if (internet_ == Internet::off || utp_) return;
    channel_.give_up_dials(tcp_patience);
    if (punches_.is_empty() || session_.is_utp_open() || session_.is_dialling_by_tcp()) return;
    session_.open_utp(utp_stays);
    for (const auto& candidate : punches_.take())
        if (is_wanted(candidate))
            connect(places_.at(candidate.swarm), candidate.endpoint, lt::pex_utp | lt::pex_holepunch);
}

// Over uTP only where no hole was made for it.
void Rendezvous::came(const lt::incoming_connection_alert& alert) {
    const auto address = plain(alert.endpoint.address());
    if (session_.is_lan(address)) return;
    if (alert.socket_type != lt::socket_type_t::utp || (!utp_ && !punches_.knows(address))) was_reached_ = true;
}

// ---- Those met before

void Rendezvous::met(Place& place, const lt::tcp::endpoint& endpoint) {
    if (endpoint.port() == 0) return;  // it does not listen
    std::erase(place.met, endpoint);
    place.met.insert(place.met.begin(), endpoint);
    if (place.met.size() > limits::max_lasting_acquaintances) place.met.pop_back();
}

// Who is alone dials them again, in growing pauses: libtorrent gives up an endpoint that has failed twice.
void Rendezvous::dial_again() {
    for (auto& [infohash, place] : places_) {
        if (!place.is_ready || !place.shard.empty()) continue;
        if (channel_.links(place.root) > 0) {
            place.again = {};
            continue;
        }
        std::erase_if(place.met, [this](const auto& one) { return session_.is_banned(plain(one.address())); });
        if (session_.is_utp_open() || place.met.empty() || !takes_turn(place.again, place, longest_alone)) continue;
        for (const auto& endpoint : place.met)
            if (!channel_.is_self(endpoint) && !channel_.is_dialled(place.root, endpoint)) connect(place, endpoint);
    }
}

// A network that has come back is not waited for: the pauses of who was alone begin anew.
void Rendezvous::look_at_interfaces() {
    const auto before = std::exchange(running_, addresses_of(Interfaces::running));
    if (std::includes(before.begin(), before.end(), running_.begin(), running_.end())) return;
    session_.hurry(hurry);
    punches_ = {};  // what failed without a network is no sign of a router
    for (auto& [infohash, place] : places_) {
        if (channel_.links(place.root) > 0) continue;
        place.again = {};
        place.lan = {place.lan.done > 0 ? 1 : 0, place.lan.last, now()};
    }
}

// ---- Named peers

void Rendezvous::set_static_peers(const std::vector<std::string>& peers) {
    static_peers_.set(peers);
    dial();
}

void Rendezvous::dial() {
    const auto friends = session_.is_utp_open() ? std::vector<lt::tcp::endpoint>{} : static_peers_.endpoints();
    for (const auto& endpoint : friends) {
        if (channel_.is_self(endpoint)) continue;
        for (const auto& [infohash, place] : places_)
            if (place.shard.empty() && !channel_.is_linked(place.root, endpoint)) connect(place, endpoint);
    }
    static_peers_.look_up([this](const lt::tcp::endpoint& endpoint) {
        for (const auto& [infohash, place] : places_)
            if (channel_.is_linked(place.root, endpoint)) return true;
        return false;
    });
}

}  // namespace packswarm::swarm
