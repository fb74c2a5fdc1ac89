// Tally: a number of things that all connections together make the agent keep. Each may keep its first few whatever the
// others do. Network thread.
#pragma once

#include <cstddef>

namespace packswarm::swarm {

class Tally {
  public:
    // most: over all; each: of one, beside that.
    Tally(std::size_t most, std::size_t each) : most_(most), each_(each) {}

    // One connection's; given back when it is destroyed.
    class Share {
      public:
        explicit Share(Tally& tally) : tally_(tally) {}
        Share(const Share&) = delete;
        ~Share() { set(0); }
        bool has_room(std::size_t more) const {
            return own_ + more <= tally_.each_ || tally_.sum_ + more <= tally_.most_;
        }
        void set(std::size_t count) {
            tally_.sum_ = tally_.sum_ - own_ + count;
            own_ = count;
        }

      private:
        Tally& tally_;
        std::size_t own_ = 0;
    };
    std::size_t sum() const { return sum_; }

  private:
    const std::size_t most_, each_;
    std::size_t sum_ = 0;
};

}  // namespace packswarm::swarm
