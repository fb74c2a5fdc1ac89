// RangeSet: which bytes of a file are there (or claimed, or a source's gift), as disjoint half-open ranges in order.
#pragma once

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
    ByteCount prefix() const;  // end of the range that starts at 0, or 0
    const std::vector<ByteRange>& ranges() const { return ranges_; }
    std::vector<ByteRange> gaps(ByteRange within) const;  // what is missing inside, in order

  private:
    using At = std::vector<ByteRange>::const_iterator;
    At first_beyond(ByteCount at) const;  // the first that ends behind there

    std::vector<ByteRange>
        ranges_;  // none empty, none adjacent to the next: the planner copies and walks them all the time
    ByteCount total_ = 0;
};

}  // namespace packswarm::core
