// no_delay: TCP_NODELAY for a connection of libtorrent's, which has no setting for it: with Nagle's algorithm each
// second small message waits for the other side's delayed acknowledgement, 40 ms. The socket is found by its two ends.
// Network thread.
#pragma once

#include <libtorrent/socket.hpp>

namespace packswarm::swarm {

// False when no TCP socket of this process has these ends: it is uTP, or closed already.
bool no_delay(const lt::tcp::endpoint& local, const lt::tcp::endpoint& remote);

}  // namespace packswarm::swarm
