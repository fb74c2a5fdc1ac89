// RangeSet: which bytes of a file are there (or claimed, or a source's gift), as disjoint half-open ranges in order.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "p2p/base/units.hpp"

namespace packswarm::core {

class RangeSet {
  public:
    void add(ByteRange range);
    void remove(ByteRange range);
    void remove(const RangeSet& other);
    bool covers(ByteRange range) const;
    bool touches(ByteRange range) const;
    ByteCount total() const { return total_; }
    bool empty() const { return ranges_.empty(); }
    ByteCount prefix() const;                               // end of the range that starts at 0, or 0
    std::vector<ByteRange> ranges() const;
    std::vector<ByteRange> gaps(ByteRange within) const;    // what is missing inside, in order

  private:
    std::map<ByteCount, ByteCount> ranges_;  // begin -> end
    ByteCount total_ = 0;
};

}  // namespace packswarm::core
