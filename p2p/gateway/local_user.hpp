// Which local user holds the other end of a connection over loopback, as the kernel says (sock_diag(7), exact lookup:
// two system calls, no waiting). Not here: what that user may do. Any thread.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <optional>

namespace packswarm::gateway {

// client: the other end's own address; server: the one it is connected to. None: it is gone, or not on this machine.
std::optional<unsigned> local_user(const boost::asio::ip::tcp::endpoint& client,
                                   const boost::asio::ip::tcp::endpoint& server);

}  // namespace packswarm::gateway
