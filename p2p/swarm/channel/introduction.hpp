// Introduction: the BEP 10 extension "packswarm_meet": how two agents that cannot dial each other are brought to do so
// at the same moment by one that both are linked with. BEP 55 does it only where that one is reached by uTP. As a
// struct and as bytes. Not here: who is introduced (channel.hpp). Errors: Corrupt for what is not exactly right.
#pragma once

#include <libtorrent/address.hpp>
#include <libtorrent/socket.hpp>

#include "p2p/base/result.hpp"
#include "p2p/base/units.hpp"

namespace packswarm::swarm {

struct Introduction {
    // wish: the sender wants to be introduced to who listens there. call: who listens there dials you now, do the same.
    enum class Kind : std::uint8_t { wish = 1, call = 2 };
    Kind kind = Kind::wish;
    lt::tcp::endpoint endpoint;
    friend bool operator==(const Introduction&, const Introduction&) = default;
};

// headroom: bytes left free at the front for a frame around the message.
Bytes encode(const Introduction& introduction, std::size_t headroom = 0);
Result<Introduction> decode_introduction(ByteView bytes);

}  // namespace packswarm::swarm
