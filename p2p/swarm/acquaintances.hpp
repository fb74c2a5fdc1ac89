// Acquaintances: the loop's side of core::PeerBook: notes who is linked, who was dialled in vain and who was banned,
// and hands the rows on to be kept. Not here: dialling (rendezvous.hpp). Loop's thread.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <set>

#include "p2p/base/loop.hpp"
#include "p2p/broker/peer_memory.hpp"
#include "p2p/broker/ports/peer_views.hpp"

namespace packswarm::swarm {

class Acquaintances {
  public:
    // memory may be missing: then nothing outlives this object.
    Acquaintances(Loop& loop, broker::PeerMemory* memory);
    ~Acquaintances();  // keeps what those who are still here have given
    // Where an endpoint is. Until it is told, all are far.
    using ReachOf = std::function<broker::Reach(const std::string& endpoint)>;
    void set_reach(ReachOf reach_of) { reach_of_ = std::move(reach_of); }

    void peer_up(const broker::PeerView& view);  // or in more lineages, or with new counters
    void peer_down(broker::PeerId peer);
    void banned(const std::string& host);

    // Whom to dial first: the best, and all that stay for good. Who has not answered a while later, although somebody
    // else of its reach has, counts as gone this time: where nobody answers, this machine is offline.
    std::vector<std::string> first_dials(const core::Lineage& lineage);

  private:
    void note(const broker::PeerView& view);
    void give_up(const std::vector<core::KnownPeer>& dialled, TimePoint began);
    broker::Reach reach_of(const std::string& endpoint) const;
    bool somebody_answered(broker::Reach reach, TimePoint since) const;
    bool is_up(const core::KnownPeer& peer) const;
    void keep_soon();
    void keep();

    Loop& loop_;
    broker::PeerMemory* memory_;
    core::PeerBook book_;
    ReachOf reach_of_;
    std::array<TimePoint, 2> answered_{};  // when somebody did last, by reach
    std::map<broker::PeerId, broker::PeerView> up_;
    std::map<broker::PeerId, ByteCount> noted_;  // of what a peer gave, already in the book
    std::set<TimerId> timers_;
    bool keep_is_due_ = false;
};

}  // namespace packswarm::swarm
