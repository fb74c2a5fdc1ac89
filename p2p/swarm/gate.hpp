// Gate: whom this agent gives to now, and how much it has given. Not here: why (core/sharing_rules.hpp). Network thread; figures
// are read anywhere.
#pragma once

#include <atomic>

#include "p2p/broker/ports.hpp"

namespace packswarm::swarm {

class Gate {
  public:
    void open_to(core::Audience audience) { audience_ = audience; }
    bool lets(broker::Reach reach) const {
        return audience_ == core::Audience::everybody || (audience_ == core::Audience::neighbours && reach == broker::Reach::lan);
    }
    void count(broker::Reach reach, ByteCount bytes) { (reach == broker::Reach::lan ? sent_near_ : sent_far_) += bytes; }
    void count_torrents(std::size_t loaded) { torrents_ = loaded; }
    broker::Giving figures() const { return {sent_far_, sent_near_, torrents_}; }

  private:
    core::Audience audience_ = core::Audience::everybody;
    std::atomic<ByteCount> sent_far_ = 0, sent_near_ = 0;
    std::atomic<std::size_t> torrents_ = 0;
};

}  // namespace packswarm::swarm
