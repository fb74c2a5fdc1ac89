// Joins: large artifacts taken through their canonical torrents, from peers and from pieces that mirrors gave, into the
// staged file. A torrent here gives nothing: its file is not verified yet, so it lets nobody in and answers no request.
// Not here: giving (on_demand.hpp), deciding who takes what (broker). Network thread.
#pragma once

#include <libtorrent/torrent_handle.hpp>
#include <map>

#include "p2p/swarm/torrents/on_demand.hpp"

namespace packswarm::swarm {

class Joins {
  public:
    Joins(Session& session, Channel& channel, OnDemand& on_demand, const ToLoop& loop, Millis silence)
        : session_(session), channel_(channel), on_demand_(on_demand), loop_(loop), silence_(silence) {}

    void start();
    void join(broker::JoinId id, broker::Join join);
    void add_peer(broker::JoinId id, broker::PeerId peer);
    void claim(broker::JoinId id, std::size_t first, std::size_t count);
    void unclaim(broker::JoinId id, std::size_t first, std::size_t count);
    void feed(broker::JoinId id, std::size_t piece, Bytes bytes);
    void leave(broker::JoinId id);
    void on_alert(lt::alert* alert);

  private:
    class Taking;
    class Source;
    enum class Piece : std::uint8_t { wanted, claimed, done };
    using Block = std::pair<broker::PeerId, PieceHash>;  // who gave it, and the hash of what it gave
    struct Fed {
        Bytes bytes;  // right by the hints
        TimePoint given{};
    };
    struct Torrent {
        broker::JoinId id = broker::JoinId::none;
        broker::Join join;
        Infohash infohash;
        lt::torrent_handle handle;
        bool is_ready = false;  // checked: add_piece is heard from now on
        bool is_met = false;    // a peer that we dialled has shaken hands
        TimePoint dialled{};
        std::vector<Piece> pieces;
        std::vector<bool> contested;  // claimed since its last failure: a mirror's bytes may be among a peer's
        std::map<std::size_t, std::map<int, broker::PeerId>> givers;  // by piece and block, of pieces that are not done
        std::map<std::size_t, std::map<int, Block>> suspects;         // of pieces that failed with several givers
        std::map<std::size_t, Fed> fed;                               // not written yet
        int restarts = 0;
        TimePoint last_life{};  // a peer gave something, or had nothing to give
    };

    Torrent* find(broker::JoinId id);
    Torrent* find(const lt::torrent_handle& handle);
    Result<void> check(const broker::Join& join) const;
    Result<void> add(Torrent& torrent);
    lt::add_torrent_params params_of(const Torrent& torrent);
    void remove(const Torrent& torrent, broker::JoinId left);
    void restart(broker::JoinId id);
    void ready(Torrent& torrent);
    void set_priorities(Torrent& torrent, std::size_t first, std::size_t count, Piece from, Piece to);
    void give(broker::JoinId id, std::size_t piece);
    void met(broker::JoinId id);
    void got_block(broker::JoinId id, const lt::peer_request& block, broker::PeerId from);
    void piece_passed(broker::JoinId id, std::size_t piece);
    void piece_failed(broker::JoinId id, std::size_t piece);
    PieceHash block_hash(const Torrent& torrent, std::size_t piece, int block) const;
    void accuse(Torrent& torrent, std::size_t piece);
    void end(Torrent& torrent, Error error);
    void tick();

    Session& session_;
    Channel& channel_;
    OnDemand& on_demand_;
    ToLoop loop_;
    Millis silence_;  // no block for so long: the torrent ends
    std::map<broker::JoinId, Torrent> torrents_;
    std::multimap<Infohash, std::pair<broker::JoinId, broker::Join>> leaving_;  // none: added again meanwhile
};

}  // namespace packswarm::swarm
