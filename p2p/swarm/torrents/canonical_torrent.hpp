// Canonical torrents as files and links, for the programs of swarm and mirror operators: make, name and read one (BEP
// 3, 9, 19). Not here: the geometry (core/canonical.hpp), hashing a file (verify). No session, any thread.
#pragma once

#include <string>
#include <vector>

#include "p2p/base/digest.hpp"
#include "p2p/base/result.hpp"
#include "p2p/base/units.hpp"
#include "p2p/swarm/infohash.hpp"

namespace packswarm::swarm {

struct TorrentFile {
    Digest digest;  // the torrent's name
    ByteCount size = 0;
    ByteCount piece_length = 0;
    PieceHashes pieces;
    Infohash infohash;
    std::vector<std::string> trackers;
    std::vector<std::string> webseeds;
};

// The bencoded .torrent. Refused when the number of pieces does not fit the size, or size is 0 or over
// limits::max_artifact.
Result<Bytes> make_torrent_file(const Digest& digest, ByteCount size, const PieceHashes& pieces,
                                const std::vector<std::string>& trackers, const std::vector<std::string>& webseeds);

// magnet:?xt=urn:btih:<infohash>&dn=<digest>&xl=<size>, then one tr= and ws= for each.
std::string magnet_link(const Digest& digest, ByteCount size, const PieceHashes& pieces,
                        const std::vector<std::string>& trackers, const std::vector<std::string>& webseeds);

// Corrupt: no valid .torrent. Refused: valid, but not the canonical torrent of any artifact.
Result<TorrentFile> parse_torrent_file(ByteView bytes);

}  // namespace packswarm::swarm
