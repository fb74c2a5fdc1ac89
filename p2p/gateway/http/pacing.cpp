#include "p2p/gateway/http/pacing.hpp"

namespace packswarm::gateway {

ByteCount bytes_to_send(const Pace& pace) {
    const ByteCount unsent = std::min(pace.safe, pace.end - 1) - pace.position;
    if (unsent <= 0) return 0;
    if (unsent > pacing_reserve) return unsent - pacing_reserve;
    if (pace.since_last < pacing_tick) return 0;
    return std::min(unsent, std::max(pacing_trickle, unsent / pacing_share));
}

}  // namespace packswarm::gateway
