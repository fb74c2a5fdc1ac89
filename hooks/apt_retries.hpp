// AptRetries: the pause before the next try of what failed for the moment, as long as apt's own (apt:
// acquire-worker.cc, apt.conf(5) Acquire::Retries). Beside a pause of its own apt (2.6 to 3.3) may never send what else
// is queued for a host; what the set-up writes takes the pauses from apt and leaves them to this. Not here: how often,
// which stays apt's to count. One thread.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hooks/apt_config.hpp"

namespace packswarm::hooks {

class AptRetries {
  public:
    using Clock = std::chrono::steady_clock;

    AptRetries() = default;  // no pauses: they are apt's
    explicit AptRetries(const AptConfig& config);

    // failure: a 400 as apt gets it; now: what its Retry-After (seconds since the epoch, apt 3.0) is compared with.
    void failed(const AptMessage& failure, WallTime now);
    // Whether this 600 waits for its turn here.
    bool hold(const std::string& uri, const std::string& raw, Clock::time_point now);
    std::vector<std::string> take_due(Clock::time_point now);  // as they came
    std::optional<Clock::time_point> next_due() const;

  private:
    struct Failed {
        int times = 0;
        std::chrono::seconds pause{};
    };

    bool are_ours_ = false, heeds_servers_ = true;
    std::chrono::seconds most_{};
    std::map<std::string, Failed> failed_;  // by address
    std::multimap<Clock::time_point, std::string> waiting_;
};

}  // namespace packswarm::hooks
