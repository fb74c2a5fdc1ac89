// NetworkParts: what each network outside the local one was given lately, so that one of them cannot use up what the
// owner gives to all. A network is what one customer usually has: /24 of IPv4, /48 of IPv6. Kept in memory, for a month
// at most. Not here: the month's quota (core/sharing_rules.hpp), who is asked about (gate.hpp). Network thread.
#pragma once

#include <cstdint>
#include <libtorrent/address.hpp>
#include <map>

#include "p2p/base/units.hpp"

namespace packswarm::swarm {

class NetworkParts {
  public:
    void set_bound(ByteCount each) { each_ = each; }  // 0: none
    // True when this used its part up.
    bool count(const lt::address& address, ByteCount bytes, TimePoint now);
    bool is_used_up(const lt::address& address) const;

  private:
    // The first bits of an address, and of which family it is.
    using Network = std::pair<bool, std::uint64_t>;
    static Network network(const lt::address& address);
    void forget_least();

    ByteCount each_ = 0;
    TimePoint since_{};
    std::map<Network, ByteCount> given_;
};

}  // namespace packswarm::swarm
