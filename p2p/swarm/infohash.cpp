#include "p2p/swarm/infohash.hpp"

#include <libtorrent/hasher.hpp>
#include <string>

#include "p2p/core/canonical.hpp"

namespace packswarm::swarm {

Infohash infohash(const Digest& digest, ByteCount size, const PieceHashes& pieces) {
    const std::string info = core::info_dictionary(digest, size, pieces);
    return Infohash::from_raw(lt::hasher(info).final().data());
}

}  // namespace packswarm::swarm
