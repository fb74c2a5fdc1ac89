// Acquaintances: the loop's side of core::PeerBook: notes who is linked, who was dialled in vain and who was banned,
// and hands the rows on to be kept. Not here: dialling (rendezvous.hpp). Loop's thread.
#pragma once

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

    void peer_up(const broker::PeerView& view);  // or in more lineages, or with new counters
    void peer_down(broker::PeerId peer);
    void banned(const std::string& host);

    // Whom to dial first. Who has not answered a while later counts as gone this time.
    std::vector<std::string> first_dials(const core::Lineage& lineage);

  private:
    void note(const broker::PeerView& view);
    void give_up(const core::Lineage& lineage, const std::vector<std::string>& dialled, WallTime began);
    void keep_soon();
    void keep();

    Loop& loop_;
    broker::PeerMemory* memory_;
    core::PeerBook book_;
    std::map<broker::PeerId, broker::PeerView> up_;
    std::map<broker::PeerId, ByteCount> noted_;  // of what a peer gave, already in the book
    std::set<TimerId> timers_;
    bool keep_is_due_ = false;
};

}  // namespace packswarm::swarm
