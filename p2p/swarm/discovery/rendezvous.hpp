// Rendezvous: the torrents that agents meet in, one per lineage, and one more for a shard of a lineage that has grown
// too large. A torrent's single piece has a hash without known preimage, so it is never complete, holds nothing on
// disk, and keeps its connections. Here it is decided when each is announced and to whom, and that is counted. Not
// here: what is said (channel.hpp). Network thread.
#pragma once

#include <libtorrent/alert_types.hpp>
#include <libtorrent/peer_info.hpp>
#include <libtorrent/pex_flags.hpp>
#include <libtorrent/torrent_handle.hpp>
#include <map>
#include <random>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "p2p/swarm/channel/channel.hpp"
#include "p2p/swarm/discovery/candidates.hpp"
#include "p2p/swarm/discovery/dht.hpp"
#include "p2p/swarm/discovery/guard.hpp"
#include "p2p/swarm/discovery/punches.hpp"
#include "p2p/swarm/discovery/static_peers.hpp"
#include "p2p/swarm/doorstep.hpp"

namespace packswarm::swarm {

// The rendezvous torrent's infohash, made of the lineage's name alone; shard: leading bits of an agent's number. Any
// thread.
LineageId lineage_id(const core::Lineage& lineage, const std::string& shard = "");

struct LineageWish {
    LineageShow show;
    std::vector<std::string> first_dials;  // "192.0.2.7:26881": met before this start
};

class Rendezvous {
  public:
    Rendezvous(Session& session, Channel& channel, Doorstep& doorstep, Dht& dht, const SwarmSettings& settings,
               const ToLoop& loop);

    void start();
    void set_lineages(const std::vector<LineageWish>& lineages);  // joins and leaves
    void set_static_peers(const std::vector<std::string>& peers);
    void on_alert(lt::alert* alert);
    void came(const lt::incoming_connection_alert& alert);
    // Somebody named an endpoint of the torrent with this infohash.
    void named(const LineageId& infohash, const lt::tcp::endpoint& endpoint, lt::peer_source_flags_t way);

  private:
    struct Round {  // of announces in one way
        int done = 0;
        TimePoint last{}, next{};
    };
    struct Place {  // one torrent
        core::Lineage lineage;
        std::string shard;
        LineageId root;  // the lineage's whole swarm: the links of its shards belong to it too
        lt::torrent_handle torrent;
        bool is_ready = false;
        bool is_guest = false;
        Announces announces;
        TimePoint ready_at{};
        Round dht, lan, again;
        std::vector<lt::tcp::endpoint> met;               // in this run and before; the last ones, dialled when alone
        std::map<lt::tcp::endpoint, TimePoint> named;     // by the DHT, and when
        std::map<lt::tcp::endpoint, TimePoint> answered;  // neighbours that called and were not linked, and when
    };
    bool join(const LineageId& infohash, Place place, const std::vector<std::string>& first_dials);
    void ready(Place& place);
    void move_to_shard(const LineageId& infohash);
    Place* find(const lt::torrent_handle& torrent);
    void named_by_dht(const lt::dht_get_peers_reply_alert& alert);
    void heard_on_lan(Place& place, const lt::tcp::endpoint& endpoint);
    bool takes_turn(Round& round, const Place& place, Millis interval);
    void announce();
    void renew_lan();
    std::size_t seen(const LineageId& infohash) const;
    void count();
    void show();
    void tell_company();
    bool has_settled(const Place& place) const;
    void dial();
    void unreached(const Meet& where, const lt::tcp::endpoint& endpoint);
    void called(const Meet& where, const lt::tcp::endpoint& endpoint);
    void punch();
    void met(Place& place, const lt::tcp::endpoint& endpoint);
    void dial_again();
    void look_at_interfaces();
    void take_over();
    void begin_again(const std::map<LineageId, std::set<lt::address>>& given_up);
    void dial(const Candidate& candidate);
    void consider(const Candidate& candidate, const Namer& namer);
    void dial_candidates();
    bool is_wanted(const Candidate& candidate) const;
    bool is_full(const LineageId& infohash) const;
    void connect(const Place& place, const lt::tcp::endpoint& endpoint, lt::pex_flags_t flags = {});

    Session& session_;
    Channel& channel_;
    Doorstep& doorstep_;
    Dht& dht_;
    ToLoop loop_;
    StaticPeers static_peers_;
    const std::vector<std::string> trackers_;
    const bool lan_discovery_, utp_;
    const Internet internet_;
    const std::size_t shard_at_;
    const Millis dht_interval_, lan_interval_, count_interval_;
    std::unordered_map<LineageId, Place> places_;  // by infohash
    Guard guard_;
    Candidates candidates_;
    Punches punches_;
    bool was_reached_ = false;
    int mapped_port_ = 0;
    std::vector<std::pair<Candidate, Namer>> taken_up_;   // by libtorrent, and to be given up
    std::vector<std::pair<Candidate, TimePoint>> begun_;  // what may not have left yet
    std::minstd_rand chance_{std::random_device{}()};
    TimePoint lan_renewed_{};
    std::set<lt::address> running_;  // addresses of interfaces with a carrier
    DiscoveryView shown_;
    std::map<core::Lineage, broker::Company> told_;
};

}  // namespace packswarm::swarm
