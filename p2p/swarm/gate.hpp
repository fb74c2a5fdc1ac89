// Gate: whom this agent gives to now, and how much it has given. Not here: why (core/sharing_rules.hpp). Network
// thread; figures are read anywhere.
#pragma once

#include <atomic>

#include "p2p/broker/ports/peer_views.hpp"
#include "p2p/broker/ports/shelf.hpp"

namespace packswarm::swarm {

class Gate {
  public:
    void open_to(core::Audience audience) { audience_ = audience; }
    bool lets(broker::Reach reach) const {
        return audience_ == core::Audience::everybody ||
               (audience_ == core::Audience::neighbours && reach == broker::Reach::lan);
    }
    void count(broker::Reach reach, ByteCount bytes) {
        (reach == broker::Reach::lan ? sent_near_ : sent_far_) += bytes;
    }
    void count_torrents(std::size_t loaded) { torrents_ = loaded; }
    void count_announces(std::uint64_t more, std::size_t in_the_last_hour) {
        announces_ += more;
        announces_hour_ = in_the_last_hour;
    }
    broker::Giving figures() const { return {sent_far_, sent_near_, torrents_, announces_, announces_hour_}; }

  private:
    core::Audience audience_ = core::Audience::everybody;
    std::atomic<ByteCount> sent_far_ = 0, sent_near_ = 0;
    std::atomic<std::size_t> torrents_ = 0, announces_hour_ = 0;
    std::atomic<std::uint64_t> announces_ = 0;
};

}  // namespace packswarm::swarm
