// Budget: how much all holders together may keep, in bytes or in things. Each may keep its first few whatever the
// others do. One thread.
#pragma once

#include <cstddef>

namespace packswarm {

class Budget {
  public:
    // most: over all; each: of one, beside that.
    Budget(std::size_t most, std::size_t each) : most_(most), each_(each) {}

    // One holder's; given back when it is destroyed.
    class Share {
      public:
        explicit Share(Budget& budget) : budget_(budget) {}
        Share(const Share&) = delete;
        ~Share() { set(0); }
        bool has_room(std::size_t more) const {
            return own_ + more <= budget_.each_ || budget_.sum_ + more <= budget_.most_;
        }
        void set(std::size_t count) {
            budget_.sum_ = budget_.sum_ - own_ + count;
            own_ = count;
        }

      private:
        Budget& budget_;
        std::size_t own_ = 0;
    };
    std::size_t sum() const { return sum_; }

  private:
    const std::size_t most_, each_;
    std::size_t sum_ = 0;
};

}  // namespace packswarm
