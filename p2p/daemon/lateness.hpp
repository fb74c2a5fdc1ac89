// Lateness: for how long whatever comes at a random moment waits for the loop. Pure.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "p2p/base/units.hpp"

namespace packswarm::daemon {

class Lateness {
  public:
    // A look that took span, at the end of which the loop had stood still for so long.
    void add(Millis stood, Millis span) {
        ++stills_[static_cast<std::size_t>(std::clamp<std::int64_t>(stood.count(), 0, most))];
        time_ += std::max(span, stood);
    }

    // Of all moments this share would have waited for no longer. Above the longest that is told apart: that one.
    Millis quantile(double share) const {
        const auto allowed = (1 - share) * static_cast<double>(time_.count());
        std::uint64_t longer = 0;  // stills that are longer than the wait in hand
        double beyond = 0;         // moments in them that wait longer than that, in ms
        for (std::int64_t wait = most; wait > 0; --wait) {
            longer += stills_[static_cast<std::size_t>(wait)];
            beyond += static_cast<double>(longer);
            if (beyond > allowed) return Millis(wait);
        }
        return Millis(0);
    }

  private:
    static constexpr std::int64_t most = 2000;  // ms
    std::array<std::uint32_t, most + 1> stills_{};
    Millis time_{0};
};

}  // namespace packswarm::daemon
