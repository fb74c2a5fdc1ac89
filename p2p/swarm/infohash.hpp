// Infohashes: the SHA-1 names (BEP 3) by which this room and the wire know a lineage and an artifact. Not here: a
// lineage's rendezvous torrent (rendezvous.hpp), an artifact's torrent as a file (canonical_torrent.hpp). Any thread.
#pragma once

#include "p2p/base/digest.hpp"
#include "p2p/base/units.hpp"

namespace packswarm::swarm {

// SHA-1 of the rendezvous torrent's info dictionary: how a lineage is known inside this room and on the wire.
using LineageId = Infohash;

// Of an artifact's canonical torrent: SHA-1 of core::info_dictionary.
Infohash infohash(const Digest& digest, ByteCount size, const PieceHashes& pieces);

}  // namespace packswarm::swarm
