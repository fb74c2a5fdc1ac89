// Canonical torrents of large artifacts; part of Peers.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "p2p/base/loop.hpp"
#include "p2p/base/trusted_file.hpp"
#include "p2p/broker/ports/answers.hpp"
#include "p2p/broker/ports/peer_views.hpp"

namespace packswarm::broker {

enum class JoinId : std::uint64_t { none = 0 };

// A large artifact taken through its canonical torrent. The torrent writes into the staged file itself.
struct Join {
    Digest digest;
    ByteCount size = 0;
    PieceHashes pieces;
    StagedFile file;
    std::vector<bool> have;     // pieces already there and checked against the hints
    std::vector<PeerId> peers;  // who offered
};

struct JoinEvents {
    std::function<void(std::size_t piece, PeerId from)>
        piece_done;                                      // written and right by the hints; from none: it was fed
    std::function<void(std::size_t piece)> piece_wrong;  // fed bytes that the hints deny
    std::function<void(Result<void>)> ended;  // the torrent cannot go on (disk, no metadata); Transient, Broken
};

class Torrents {
  public:
    virtual ~Torrents() = default;
    virtual JoinId join(Join join, JoinEvents events) = 0;
    virtual void add_peer(JoinId join, PeerId peer) = 0;
    // Pieces the mirrors have claimed: the torrent leaves them alone (unclaim gives them back).
    virtual void claim(JoinId join, std::size_t first, std::size_t count) = 0;
    virtual void unclaim(JoinId join, std::size_t first, std::size_t count) = 0;
    virtual void feed(JoinId join, std::size_t piece, Bytes bytes) = 0;  // a whole piece from a mirror (add_piece)
    // left runs when the torrent has let go of the file; no events after the call
    virtual void leave(JoinId join, Task left) = 0;
};

}  // namespace packswarm::broker
