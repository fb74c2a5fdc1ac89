// Wire: one connection of the peer channel as the two halves of its conversation see it (Giver, Taker). Frame: what the
// connection puts before each message. Not here: libtorrent (link.hpp). Network thread.
#pragma once

#include <string>

#include "p2p/base/units.hpp"

namespace packswarm::swarm {

inline constexpr std::size_t frame_size = 6;  // BEP 10: length, 20, the receiver's number for our extension

class Wire {
  public:
    virtual ~Wire() = default;
    virtual void send(Bytes framed) = 0;  // a message encoded with frame_size bytes of headroom
    virtual ByteCount queued() = 0;       // bytes given to send that have not left this machine
    virtual void breach(
        const std::string& what) = 0;  // the peer broke the rules: ends this wire; callers return at once
};

}  // namespace packswarm::swarm
