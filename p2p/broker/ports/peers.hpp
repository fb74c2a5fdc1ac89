// Peers: other agents as a whole; implemented by swarm::Swarm. Who needs a part of them takes that part.
#pragma once

#include <string>
#include <vector>

#include "p2p/broker/ports/channel.hpp"
#include "p2p/broker/ports/loans.hpp"
#include "p2p/broker/ports/peer_views.hpp"
#include "p2p/broker/ports/shelf.hpp"
#include "p2p/broker/ports/torrents.hpp"

namespace packswarm::broker {

class Peers : public PeerChannel, public Torrents, public Loans, public PeerShelf {
  public:
    virtual void set_observer(PeerObserver* observer) = 0;
    // Joins and leaves rendezvous swarms accordingly.
    virtual void set_lineages(std::vector<LineageState> lineages) = 0;
    virtual plan::AgentKey key() const = 0;          // ours
    virtual void blame(PeerId peer, Blame why) = 0;  // drops it and does not dial it for a while
    virtual std::vector<PeerView> view() const = 0;
    virtual Company company(const core::Lineage& lineage) const = 0;
};

}  // namespace packswarm::broker
