// Rendezvous: the one torrent per lineage that agents meet in, and the peers that the owner named. Its single piece has a hash
// without known preimage, so it is never complete, holds nothing on disk, and keeps its connections.
// Not here: what is said on them (channel.hpp). Network thread.
#pragma once

#include <libtorrent/torrent_handle.hpp>
#include <unordered_map>

#include "p2p/swarm/channel.hpp"

namespace packswarm::swarm {

// The rendezvous torrent's infohash, made of the lineage's name alone. Any thread.
LineageId lineage_id(const std::string& name);

class Rendezvous {
  public:
    Rendezvous(Session& session, Channel& channel, const SwarmSettings& settings)
        : session_(session), channel_(channel), trackers_(settings.trackers), static_peers_(settings.static_peers) {}

    void start();
    void set_lineages(const std::vector<LineageShow>& lineages);  // joins and leaves
    void on_alert(lt::alert* alert);

  private:
    struct Friend {  // a peer of the configuration
        std::string host;
        int port = 0;
        std::vector<lt::tcp::endpoint> endpoints;
        bool is_name = false;
        TimePoint resolve_at{};
    };
    void join(const LineageId& id, const std::string& name);
    void resolve(std::size_t index);
    void dial();

    Session& session_;
    Channel& channel_;
    std::vector<std::string> trackers_, static_peers_;
    std::vector<Friend> friends_;
    std::unordered_map<LineageId, lt::torrent_handle> torrents_;
};

}  // namespace packswarm::swarm
