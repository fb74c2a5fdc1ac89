// Allowance: a token bucket: so many at once, so many a second. Pure: the time comes in.
#pragma once

#include "p2p/base/units.hpp"

namespace packswarm::swarm {

class Allowance {
  public:
    Allowance(double burst, double per_second) : burst_(burst), per_second_(per_second), left_(burst) {}
    bool take(double amount, TimePoint now);  // false: not allowed, nothing taken
    double available(TimePoint now);

  private:
    double burst_, per_second_, left_;
    TimePoint last_{};
};

}  // namespace packswarm::swarm
