// SourceBook: who the sources are. Gives mirrors and peers their place on the board and keeps their standing true: busy
// claims, rates measured while they work, health that survives restarts. Not here: choosing among them (plan/plan.hpp).
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "p2p/broker/ports/ledger.hpp"
#include "p2p/broker/ports/peer_views.hpp"
#include "p2p/broker/servers.hpp"
#include "p2p/plan/board.hpp"

namespace packswarm::broker {

class SourceBook {
  public:
    SourceBook(Loop& loop, Ledger& ledger, plan::Board& board);

    plan::SourceId mirror(const std::string& base);  // the same id for the same base, for good
    plan::SourceId peer(const PeerView& view);
    // Stands for whoever gave what an agent before this one left on the disk, which may have spoiled it: nobody answers
    // for these bytes.
    plan::SourceId agent_before();
    void forget_peer(PeerId peer);

    SourceKind kind(plan::SourceId id) const;
    const std::string& label(plan::SourceId id) const;  // base address or endpoint
    PeerId peer_id(plan::SourceId id) const;            // none for mirrors
    std::optional<plan::SourceId> find_peer(PeerId peer) const;
    bool has_peers() const { return !peers_.empty(); }

    Visit claim_started(plan::SourceId id);
    void claim_ended(plan::SourceId id);
    bool is_server_busy(plan::SourceId id) const;  // other claims of ours are there, at whatever base
    // A claim has ended with this error, of which claims of ours that were at its server meanwhile may be the reason.
    bool was_crowded_out(const Visit& visit, const Error& error) const {
        return servers_.was_crowded_out(visit, error, loop_.now());
    }
    void first_byte(plan::SourceId id, double seconds);
    void received(plan::SourceId id, ByteCount bytes);
    void measured(plan::SourceId id, ByteCount bytes, double seconds);  // one claim, from its first byte to its last
    void gave_right_bytes(plan::SourceId id, ByteCount bytes);
    bool answers(plan::SourceId mirror) const;  // whatever it lacks
    void failed(plan::SourceId id, ErrorKind kind);
    void set_aside(plan::SourceId id);  // under suspicion: the others are asked, right bytes elsewhere do not help it
    void acquit(plan::SourceId id);     // its case has ended
    void ignores_ranges(plan::SourceId id);
    // Wrong bytes so often that what it gave to unfinished artifacts is worth nothing.
    bool is_discredited(plan::SourceId id) const;
    bool is_discredited(const std::string& base) const;  // as far as is remembered of it

    void sample(TimePoint now);  // a few times a second: measures rates, lets set-back mirrors return
    std::vector<std::pair<std::string, core::MirrorHealth>> mirrors() const;

  private:
    struct Entry {
        std::string label;
        std::string server;  // of a mirror: scheme, host and port
        SourceKind kind = SourceKind::mirror;
        PeerId peer = PeerId::none;
        Reach reach = Reach::wan;
        core::MirrorHealth health;
        TimePoint suspected_until{};
        TimePoint parts_again{};  // when a mirror that gave no part of a file is asked for one again
        ByteCount window_bytes = 0;
        ByteCount line_bytes = 0;  // since the line was sampled
        bool busy_all_window = false;
    };
    plan::SourceId add(Entry entry, plan::Source source);
    bool is_far(plan::SourceId id) const;  // what it gives comes over the line to the world
    void count_flights(int change);
    void sample_line(TimePoint now);
    void refresh(plan::SourceId id);

    Loop& loop_;
    Ledger& ledger_;
    plan::Board& board_;
    std::map<plan::SourceId, Entry> entries_;
    std::map<std::string, plan::SourceId> mirrors_;
    std::map<PeerId, plan::SourceId> peers_;
    Servers servers_;
    std::optional<plan::SourceId> agent_before_;
    std::set<plan::SourceId> gone_;  // peers that left with claims still open
    std::map<std::string, core::MirrorHealth> remembered_;
    TimePoint sampled_{};
    int in_flight_ = 0;          // claims at far sources,
    double flight_seconds_ = 0;  // their sum over time since the line was sampled,
    TimePoint counted_{}, line_sampled_{};
    TimePoint last_in_flight_{}, busy_since_{};  // the first claim after a pause
    ByteCount line_bytes_ = 0;                   // and what they brought
    std::uint32_t next_ = 1;
};

}  // namespace packswarm::broker
