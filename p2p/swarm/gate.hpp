// Gate: whom this agent gives to now, and how much it has given. Not here: why (core/sharing_rules.hpp). Network
// thread; figures are read anywhere.
#pragma once

#include <atomic>

#include "p2p/base/ip_network.hpp"
#include "p2p/base/log.hpp"
#include "p2p/broker/ports/peer_views.hpp"
#include "p2p/broker/ports/shelf.hpp"
#include "p2p/swarm/network_parts.hpp"

namespace packswarm::swarm {

class Gate {
  public:
    void open_to(core::Audience audience, ByteCount each_network) {
        audience_ = audience;
        parts_.set_bound(each_network);
    }
    bool lets(broker::Reach reach) const {
        return audience_ == core::Audience::everybody ||
               (audience_ == core::Audience::neighbours && reach == broker::Reach::lan);
    }
    // Outside the local network: its network was given its part already.
    bool has_had_its_part(broker::Reach reach, const lt::address& address) const {
        return reach == broker::Reach::wan && parts_.is_used_up(address);
    }
    void count(broker::Reach reach, const lt::address& address, ByteCount bytes, TimePoint now) {
        (reach == broker::Reach::lan ? sent_near_ : sent_far_) += bytes;
        if (reach == broker::Reach::wan && parts_.count(address, bytes, now))
            spdlog::info("{} had its part of sharing.monthly_quota: nothing more is given to it for a month",
                         network_of(address.to_string(), 24, 48));
    }
    void count_torrents(std::size_t loaded) { torrents_ = loaded; }
    void count_announces(std::uint64_t more, std::size_t in_the_last_hour) {
        announces_ += more;
        announces_hour_ = in_the_last_hour;
    }
    broker::Giving figures() const { return {sent_far_, sent_near_, torrents_, announces_, announces_hour_}; }

  private:
    core::Audience audience_ = core::Audience::everybody;
    NetworkParts parts_;
    std::atomic<ByteCount> sent_far_ = 0, sent_near_ = 0;
    std::atomic<std::size_t> torrents_ = 0, announces_hour_ = 0;
    std::atomic<std::uint64_t> announces_ = 0;
};

}  // namespace packswarm::swarm
