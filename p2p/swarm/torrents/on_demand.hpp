// OnDemand: gives large offered artifacts through their canonical torrents, each loaded when the first handshake for it
// arrives and dropped again when idle. Not here: taking one (joins.hpp). Network thread.
// It never writes: what is offered and has changed is withdrawn, not repaired.
#pragma once

#include <libtorrent/extensions.hpp>
#include <libtorrent/torrent_handle.hpp>
#include <unordered_map>

#include "p2p/swarm/channel/channel.hpp"
#include "p2p/swarm/doorstep.hpp"

namespace packswarm::swarm {

class OnDemand {
  public:
    OnDemand(Session& session, OfferedFiles& offered, Gate& gate, Channel& channel, Seats& seats, Doorstep& doorstep)
        : session_(session), offered_(offered), gate_(gate), channel_(channel), seats_(seats), doorstep_(doorstep) {}

    void start();
    // A handshake from there names a torrent that is not loaded: fills params and answers true when it is offered and
    // given to such a peer.
    bool load(const Infohash& infohash, const lt::address& from, lt::add_torrent_params& params);
    void unload(const Infohash& infohash);
    void on_alert(lt::alert* alert);

  private:
    struct Seed {
        Digest digest;
        lt::torrent_handle torrent;
        int connections = 0;
        TimePoint idle_since{};
    };
    class Giving;
    class Receiver;
    void spoiled(const Infohash& infohash, const std::string& why);
    void drop_idle(TimePoint idle_before);
    void drop_changed();

    broker::Reach reach_of(const lt::address& address) const;

    Session& session_;
    OfferedFiles& offered_;
    Gate& gate_;
    Channel& channel_;
    Seats& seats_;
    Doorstep& doorstep_;
    std::unordered_map<Infohash, Seed> seeds_;
};

// The info dictionary of an offered or wanted artifact as libtorrent wants it.
std::shared_ptr<lt::torrent_info> canonical_info(const Digest& digest, ByteCount size, const PieceHashes& pieces);

}  // namespace packswarm::swarm
