// rooms: swarm
// Whatever a peer sends as an introduction decodes to one that encodes to the same bytes, or to Corrupt.
#include <cstdint>
#include <cstdlib>

#include "p2p/swarm/channel/introduction.hpp"

using namespace packswarm;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView bytes(reinterpret_cast<const char*>(data), size);
    const auto introduction = swarm::decode_introduction(bytes);
    if (!introduction) {
        if (introduction.error().kind != ErrorKind::Corrupt) std::abort();
        return 0;
    }
    if (as_text(swarm::encode(*introduction)) != as_text(bytes)) std::abort();
    return 0;
}
