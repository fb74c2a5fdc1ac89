// Budget: how much all holders together may keep, in bytes or in things. Each may keep its first few whatever the
// others do. One thread.
#pragma once

#include <cstddef>
#include <optional>

#include "p2p/base/memory_sum.hpp"

namespace packswarm {

class Budget {
  public:
    // most: over all; each: of one, beside that.
    Budget(std::size_t most, std::size_t each) : most_(most), each_(each) {}
    // Bytes, which count in that sum, and have its room alone.
    void count_in(MemorySum& sum) { part_.emplace(sum); }

    // One holder's; given back when it is destroyed.
    class Share {
      public:
        explicit Share(Budget& budget) : budget_(budget) {}
        Share(const Share&) = delete;
        ~Share() { set(0); }
        bool has_room(std::size_t more) const {
            return own_ + more <= budget_.each_ || budget_.sum_ + more <= budget_.room();
        }
        void set(std::size_t count) {
            budget_.sum_ = budget_.sum_ - own_ + count;
            own_ = count;
            if (budget_.part_) budget_.part_->set(static_cast<ByteCount>(budget_.sum_));
        }

      private:
        Budget& budget_;
        std::size_t own_ = 0;
    };
    std::size_t sum() const { return sum_; }

  private:
    std::size_t room() const { return part_ ? std::min(most_, static_cast<std::size_t>(part_->room())) : most_; }

    const std::size_t most_, each_;
    std::size_t sum_ = 0;
    std::optional<MemorySum::Part> part_;
};

}  // namespace packswarm
