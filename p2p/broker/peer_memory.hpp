// PeerMemory: the port through which the swarm remembers over restarts whom it met; implemented by store::Ledger.
// Loop's thread.
#pragma once

#include <vector>

#include "p2p/core/peer_book.hpp"

namespace packswarm::broker {

class PeerMemory {
  public:
    virtual ~PeerMemory() = default;
    virtual std::vector<core::KnownPeer> known_peers() = 0;
    virtual void update_peers(
        const core::PeerBook::Changes& changes) = 0;  // all of them or none; what fails is only logged
};

}  // namespace packswarm::broker
