// rooms: swarm
// A .torrent: what is read as a canonical one is made again with the same infohash.
#include <cstdint>
#include <cstdlib>

#include "p2p/base/limits.hpp"
#include "p2p/swarm/torrents/canonical_torrent.hpp"

using namespace packswarm;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto torrent = swarm::parse_torrent_file(ByteView(reinterpret_cast<const char*>(data), size));
    if (!torrent) return 0;
    if (torrent->size <= 0 || torrent->size > limits::max_artifact) std::abort();
    if (swarm::infohash(torrent->digest, torrent->size, torrent->pieces) != torrent->infohash) std::abort();
    return 0;
}
