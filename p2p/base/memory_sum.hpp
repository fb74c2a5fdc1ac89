// MemorySum: the bytes that strangers make the agent keep in memory, over all rooms. Each room has a bound of its own
// (limits.hpp); this one stands above them, since not all of them can be used up at a time. Any thread; a Part has one.
#pragma once

#include <algorithm>
#include <atomic>

#include "p2p/base/units.hpp"

namespace packswarm {

class MemorySum {
  public:
    explicit MemorySum(ByteCount most) : most_(most) {}
    MemorySum(const MemorySum&) = delete;
    MemorySum& operator=(const MemorySum&) = delete;

    // One room's; given back when it is destroyed. The sum must outlive it.
    class Part {
      public:
        explicit Part(MemorySum& sum) : sum_(sum) {}
        Part(const Part&) = delete;
        Part& operator=(const Part&) = delete;
        ~Part() { set(0); }
        void set(ByteCount bytes) {
            sum_.bytes_ += bytes - own_;
            own_ = bytes;
        }
        // What this room may keep in all, beside what the others do.
        ByteCount room() const { return std::max<ByteCount>(0, sum_.most_ - (sum_.bytes_ - own_)); }

      private:
        MemorySum& sum_;
        ByteCount own_ = 0;
    };
    ByteCount bytes() const { return bytes_; }

  private:
    const ByteCount most_;
    std::atomic<ByteCount> bytes_ = 0;
};

}  // namespace packswarm
