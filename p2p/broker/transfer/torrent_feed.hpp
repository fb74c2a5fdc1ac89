// TorrentFeed: the canonical torrent beside the mirrors, for one large artifact: whose piece hashes (hints) are
// believed, which pieces are handed to it, which it hands back. What hints deny is compared with another mirror before
// it goes.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "p2p/base/lifetime.hpp"
#include "p2p/broker/ports/peers.hpp"
#include "p2p/broker/ports/torrents.hpp"
#include "p2p/broker/transfer/case.hpp"

namespace packswarm::broker {

class TorrentFeed {
  public:
    class Needs {
      public:
        virtual ~Needs() = default;
        virtual void brought(std::optional<plan::SourceId> from,
                             ByteRange piece) = 0;  // the torrent wrote it; nobody: its giver has gone
        virtual void denied(ByteRange piece) = 0;   // nobody answers for it any more, and it is thrown away
    };
    TorrentFeed(Case& part_of, Needs& needs) : case_(part_of), needs_(needs) {}
    ~TorrentFeed();
    TorrentFeed(const TorrentFeed&) = delete;
    TorrentFeed& operator=(const TorrentFeed&) = delete;

    void offered(const PeerOffer& offer);
    void peer_gone(PeerId peer);
    void join();                     // checks what is here against the hints, then takes part
    void claimed(ByteRange range);   // a mirror works on it
    void released(ByteRange range);  // a mirror no longer does
    void written(ByteRange range);   // bytes from a mirror are in the staged file
    void sample(double window_s);
    void leave(Task left);  // left runs at once when it never joined
    void distrust();        // the hints were wrong: blames who gave them
    void verified();        // the digest is right: blames whose hints were wrong
    bool is_contested(plan::SourceId mirror) const { return !contested_.empty() && contested_mirror_ == mirror; }
    void judged(bool mirrors_agree);           // on what was contested
    bool denied(plan::SourceId source) const;  // the hints said no to bytes of this mirror
    bool is_in_doubt() const {                 // hints and mirrors contradict each other
        return given_up_ || !denied_.empty() || !contested_.empty();
    }
    bool is_over() const { return state_ == State::left; }
    bool has_failed() const {
        return has_failed_;
    }  // it ended before everything was here: what came later was not checked

  private:
    void hash_what_is_here(std::vector<ByteRange> runs, std::vector<bool> have);
    void take_part(std::vector<bool> have);
    void piece_done(std::size_t piece, PeerId from);
    void piece_wrong(std::size_t piece);
    bool can_be_judged(plan::SourceId giver) const;  // another mirror can be asked
    void deny(std::size_t piece);
    void doubt_givers_of_hints();
    void end_doubt();
    void give_hints_up();
    void ended(const Result<void>& result);
    void use_channel();
    void feed(std::size_t piece);
    bool lan_has_it() const;  // a neighbour offered the hints that are believed
    std::pair<std::size_t, std::size_t> pieces_of(
        ByteRange range) const;  // first, count: every piece the range touches
    ByteRange range_of(std::size_t piece) const;
    plan::SwarmPart& swarm() const { return case_.want().swarm; }
    Peers& peers() const { return case_.context.peers; }

    Case& case_;
    Needs& needs_;
    std::vector<PeerOffer> offers_;
    PieceHashes hints_;
    JoinId join_ = JoinId::none;
    enum class State { apart, hashing, joined, left } state_ = State::apart;
    std::vector<bool> fed_;  // handed over or obtained: never handed over again
    std::map<std::size_t, plan::SourceId> denied_;
    std::set<std::size_t> contested_;  // the hints say no to these pieces of one mirror, another mirror is being asked
    plan::SourceId contested_mirror_{};
    std::vector<plan::SourceId> doubted_;
    std::optional<std::vector<bool>> waiting_;  // the pieces that are here, until the contested one is judged
    bool given_up_ = false;                     // the hints were held to be lies
    ByteCount window_bytes_ = 0;
    bool had_work_ = false;  // pieces came in the window before this one, and more were to come
    bool has_failed_ = false;
    Lifetime lifetime_;
};

}  // namespace packswarm::broker
