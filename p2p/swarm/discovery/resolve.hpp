// resolve: the addresses of a host by the system's resolver, which blocks, for minutes when it likes: it gets a thread
// that nobody waits for. then runs through post (Session::poster()), with nothing when the name is unknown.
#pragma once

#include <functional>
#include <libtorrent/address.hpp>
#include <string>
#include <vector>

#include "p2p/base/loop.hpp"

namespace packswarm::swarm {

void resolve(std::string host, std::function<void(Task)> post, std::function<void(std::vector<lt::address>)> then);

}  // namespace packswarm::swarm
