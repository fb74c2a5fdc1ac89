// What is offered to peers; part of Peers.
#pragma once

#include <cstdint>
#include <vector>

#include "p2p/base/digest.hpp"
#include "p2p/base/trusted_file.hpp"
#include "p2p/base/units.hpp"
#include "p2p/core/lineage.hpp"
#include "p2p/core/sharing_rules.hpp"

namespace packswarm::broker {

// What peers were given since the start, and what is loaded for them.
struct Giving {
    ByteCount sent_far = 0, sent_near = 0;  // payload, to peers outside the local network and to neighbours
    std::size_t torrents = 0;               // canonical torrents that somebody asked for lately
    std::uint64_t announces = 0;            // of single large artifacts to the DHT
    std::size_t announces_hour = 0;         // of these, in the last hour
};

class PeerShelf {
  public:
    virtual ~PeerShelf() = default;
    // Sharing takes only stored files of public lineages; any number at a time. Without recorded piece hashes only the
    // channel gives them. An artifact offered in another lineage is then in both.
    virtual void offer(const core::Lineage& lineage, std::vector<StoredMark> files) = 0;
    virtual void withdraw(std::vector<Digest> digests) = 0;
    // Whoever is not in the audience is told of nothing and given nothing, from now on and in the middle of a file; nor
    // is a network outside the local one that was given each_network bytes within a month (0: no bound), but for whom
    // the owner named.
    virtual void give_to(core::Audience audience, ByteCount each_network) = 0;
    virtual Giving giving() const = 0;
};

}  // namespace packswarm::broker
