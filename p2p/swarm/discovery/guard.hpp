// Guard: which endpoints are not dialled because somebody named them: privileged ports, the loopback, link-local,
// multicast and reserved addresses, and those of this machine. An agent that listens in one of these ranges may be told
// of others there. Not here: bans and the budget. Network thread.
#pragma once

#include <libtorrent/socket.hpp>
#include <set>

#include "p2p/base/units.hpp"
#include "p2p/swarm/networks.hpp"

namespace packswarm::swarm {

class Guard {
  public:
    explicit Guard(const std::string& listen_address);

    // on_link: it was called out on the local network, where a link-local address leads to who called.
    bool lets(const lt::tcp::endpoint& endpoint, TimePoint now, bool on_link = false);

  private:
    bool is_own(const lt::address& address, TimePoint now);

    std::vector<Networks> never_;
    std::set<lt::address> own_;
    TimePoint read_{};  // when own_ was
};

}  // namespace packswarm::swarm
