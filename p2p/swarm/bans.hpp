// Bans: addresses that broke the rules, each until some time. Bounded: the ban that ends first makes room.
// Not here: keeping them away (session.hpp's filter). Network thread.
#pragma once

#include <libtorrent/address.hpp>
#include <map>
#include <vector>

#include "p2p/base/units.hpp"

namespace packswarm::swarm {

class Bans {
  public:
    void add(const lt::address& address, TimePoint until);  // a longer ban stays
    bool expire(TimePoint now);                             // true when some ended
    bool contains(const lt::address& address) const { return until_.count(address) > 0; }
    std::vector<lt::address> addresses() const;

  private:
    std::map<lt::address, TimePoint> until_;
};

}  // namespace packswarm::swarm
