// Small artifacts and parts of large ones from one peer, over the peer channel; part of Peers.
#pragma once

#include <functional>
#include <vector>

#include "p2p/broker/ports/answers.hpp"
#include "p2p/broker/ports/peer_views.hpp"
#include "p2p/core/sharing_rules.hpp"

namespace packswarm::broker {

struct GetEvents {  // like MirrorEvents, over the peer channel
    std::function<void(ByteCount offset, Bytes data)> data;
    std::function<void(Result<void>)>
        done;  // Absent: the peer no longer has it; Transient: peer gone or silent; Corrupt: broke the protocol
};

class PeerChannel {
  public:
    virtual ~PeerChannel() = default;
    // Asks the connected peers of the lineage; answers come as PeerObserver::peer_offers. Any number of digests;
    // batches are the room's business. neighbours: those of the local network and those that the owner named.
    virtual void ask(const core::Lineage& lineage, std::vector<Digest> digests, core::Audience whom) = 0;
    virtual FetchId get(PeerId peer, const Digest& digest, ByteRange range, GetEvents events) = 0;
    virtual void cancel(FetchId fetch) = 0;
};

}  // namespace packswarm::broker
