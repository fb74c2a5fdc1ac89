// Geometry of the canonical torrent: BitTorrent v1 (BEP 3), single file, name = SHA-256 in hexadecimal, no optional
// keys, piece length a fixed function of size. Any two holders derive the same infohash from the file alone.
// The one place that chooses the torrent version. Not here: SHA-1 (verify/hasher.hpp), libtorrent (swarm).
#pragma once

#include <string>

#include "p2p/base/digest.hpp"
#include "p2p/base/units.hpp"

namespace packswarm::core {

// Bytes per piece: the power of two that gives at most 512 pieces, within 64 KiB and 16 MiB.
ByteCount piece_length(ByteCount size);
std::size_t piece_count(ByteCount size);                   // 0 for an empty file
ByteRange piece_range(ByteCount size, std::size_t piece);  // the last piece may be short

// The bencoded info dictionary, byte for byte:
// d6:lengthi<L>e4:name64:<hex>12:piece lengthi<P>e6:pieces<20*n>:<sha1...>e
std::string info_dictionary(const Digest& digest, ByteCount size, const PieceHashes& pieces);

}  // namespace packswarm::core
