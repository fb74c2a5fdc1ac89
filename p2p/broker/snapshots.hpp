// Snapshots: which roots connected peers show, and which of them may be asked for in place of a mirror's. One key,
// suite and architecture bring peers together; that a root belongs to the repository in question has to be shown
// (core/kinship.hpp), or follow from a key that a distribution keeps for one product of that name. Not here: fetching
// and verifying it (root_fetch, index_book).
#pragma once

#include <set>
#include <string>
#include <vector>

#include "p2p/broker/ports/peer_views.hpp"
#include "p2p/core/artifact.hpp"
#include "p2p/core/kinship.hpp"

namespace packswarm::broker {

// What this machine knows of one of its repositories.
struct Known {
    std::vector<core::Lineage> lineages;      // where its agents meet
    core::Provenance own;                     // with every address it is configured with; product zero: not known
    std::vector<core::RootMark> bundles;      // its roots as older agents name them
    std::optional<WallTime> confirmed;        // when one of its addresses last answered
    std::set<core::Fingerprint> public_keys;  // the distributions'
    bool only_public_keys = false;            // nobody else could sign it
    bool names_a_day = false;                 // a dated snapshot by its address
};

class Snapshots {
  public:
    void add(const PeerSnapshot& snapshot);  // in place of the peer's older one of that lineage and product
    void peer_down(PeerId peer);
    std::vector<PeerSnapshot> of(const Known& repository) const;  // newest first

    bool shows(const Digest& root) const;                            // some peer does
    std::vector<core::Mark> addresses_of(const Digest& root) const;  // that peers say it was seen at
    // Whether a root that no peer shows belongs to it, as what one shows would.
    bool belongs(const Known& repository, const PeerSnapshot& carried) const {
        return is_same(repository, {carried, {}});
    }

  private:
    struct Shown {
        PeerSnapshot now;
        std::vector<core::RootMark> bundles;  // shown on this connection, for peers that do not tell what came before
    };
    bool is_same(const Known& repository, const Shown& shown) const;
    bool is_named_alone(const Known& repository, const PeerSnapshot& snapshot) const;

    std::vector<Shown> shown_;
};

}  // namespace packswarm::broker
