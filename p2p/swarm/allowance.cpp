#include "p2p/swarm/allowance.hpp"

#include <algorithm>

namespace packswarm::swarm {

bool Allowance::take(double amount, TimePoint now) {
    if (available(now) < amount) return false;
    left_ -= amount;
    return true;
}

double Allowance::available(TimePoint now) {
    if (last_ != TimePoint{}) left_ = std::min(burst_, left_ + seconds_between(last_, now) * per_second_);
    last_ = now;
    return left_;
}

}  // namespace packswarm::swarm
