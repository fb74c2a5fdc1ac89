// Peers as the broker sees them: who they are, and what they say.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "p2p/base/digest.hpp"
#include "p2p/base/units.hpp"
#include "p2p/core/kinship.hpp"
#include "p2p/core/lineage.hpp"
#include "p2p/plan/lenders.hpp"

namespace packswarm::broker {

enum class PeerId : std::uint64_t { none = 0 };
enum class Reach { lan, wan };

struct PeerView {
    PeerId id = PeerId::none;
    std::string endpoint;  // "192.0.2.7:6881"
    std::string agent;     // printable name and version the peer gave
    Reach reach = Reach::wan;
    std::vector<core::Lineage> lineages;  // that both sides share
    ByteCount received = 0, sent = 0;     // payload of artifacts
    plan::AgentKey key = 0;               // the number it chose at its start, cut short; the crowd shares work by it
};

// A peer said that it shares this artifact. Piece hashes are hints: they choose blocks and whom to blame, never what is
// true.
struct PeerOffer {
    PeerId peer = PeerId::none;
    Reach reach = Reach::wan;
    Digest digest;
    ByteCount size = 0;
    PieceHashes pieces;  // empty for artifacts that have no torrent
    ByteCount signature =
        0;  // bytes of its detached signature, which a get of the range behind its end is answered with; 0: none
};

// A peer fetches this artifact itself, and lends what it has of it so far straight from mirrors. Nobody has verified
// these bytes: they are the asker's to verify, and the lender's to answer for. No pieces of a small artifact: it is on
// its way there.
struct PeerLoan {
    PeerId peer = PeerId::none;
    Digest digest;
    ByteCount size = 0;
    std::vector<bool> pieces;  // of the canonical torrent's geometry
};

// A peer holds this root file of a lineage (from its hello). Only a hint of what to fetch: signature and date decide.
struct PeerSnapshot {
    PeerId peer = PeerId::none;
    core::Lineage lineage;
    WallTime date{};
    Digest root;
    ByteCount size = 0;
    core::Provenance provenance{};  // empty from agents of the first protocol
};

enum class Blame { wrong_bytes, wrong_pieces, silent };

// What peers tell the broker. Implemented by the broker.
class PeerObserver {
  public:
    virtual ~PeerObserver() = default;
    virtual void peer_up(const PeerView& peer) = 0;
    virtual void peer_down(PeerId peer) = 0;
    virtual void peer_offers(std::vector<PeerOffer> offers) = 0;
    virtual void peer_lends(const PeerLoan& loan) = 0;
    virtual void peer_seeks(PeerId peer, const std::vector<Digest>& digests) = 0;  // it asked us for these
    virtual void peer_snapshot(const PeerSnapshot& snapshot) = 0;
};

// A lineage whose rendezvous swarm this agent is in, with the newest root it can show of one repository. Two products
// may share a lineage: then it is there once for each.
struct LineageState {
    core::Lineage lineage;
    WallTime date{};
    Digest root;  // zero while nothing verified is stored
    ByteCount root_size = 0;
    core::Provenance provenance{};
};

// Who could speak up for a lineage. Whoever is connected has said by then which root it holds; of artifacts it is
// asked.
struct Company {
    std::size_t connected = 0;
    std::size_t dialled = 0;  // connecting, or connected and not yet introduced
    bool is_settled = true;   // false: the lineage was entered a moment ago, and discovery has not had its first round
    bool may_grow() const { return dialled > 0 || !is_settled; }
    bool is_nobody() const { return connected == 0 && !may_grow(); }
    friend bool operator==(const Company&, const Company&) = default;
};

}  // namespace packswarm::broker
