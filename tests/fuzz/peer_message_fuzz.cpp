// rooms: swarm
// Whatever a peer sends decodes to a message that encodes to the same bytes (hello: to the same message), or to
// Corrupt.
#include <cstdint>
#include <cstdlib>

#include "p2p/swarm/channel/message.hpp"

using namespace packswarm;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView bytes(reinterpret_cast<const char*>(data), size);
    const auto message = swarm::decode(bytes);
    if (!message) {
        if (message.error().kind != ErrorKind::Corrupt) std::abort();
        return 0;
    }
    const auto again = swarm::encode(*message);
    if (const auto* hello = std::get_if<swarm::Hello>(&*message)) {
        const auto back = swarm::decode(again);
        if (!back || std::get<swarm::Hello>(*back) != *hello) std::abort();
        return 0;
    }
    if (as_text(again) != as_text(bytes)) std::abort();
    return 0;
}
