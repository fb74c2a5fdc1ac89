// The addresses of this machine's network interfaces, as the kernel has them now. Not here: what they mean (guard.hpp,
// rendezvous.hpp). Any thread. Errors: none; what cannot be read is empty.
#pragma once

#include <libtorrent/address.hpp>
#include <set>

namespace packswarm::swarm {

enum class Interfaces { all, running };  // running: up, and with a carrier

std::set<lt::address> addresses_of(Interfaces which);

}  // namespace packswarm::swarm
