// AptRetries: the pause before the next try of what failed for the moment, as long as apt's own (apt:
// acquire-worker.cc, apt.conf(5) Acquire::Retries). Beside a pause of its own apt (2.6 to 3.3) may never send what else
// is queued for a host; what the set-up writes takes the pauses from apt and leaves them to this. Not here: how often,
// which stays apt's to count; waiting. One thread.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "hooks/apt/config.hpp"

namespace packswarm::hooks {

class AptRetries {
  public:
    AptRetries() = default;  // no pauses: they are apt's
    explicit AptRetries(const AptConfig& config);

    // failure: a 400 as apt gets it; wall: what its Retry-After (seconds since the epoch, apt 3.0) is compared with.
    void failed(const AptMessage& failure, TimePoint now, WallTime wall);
    // When this address may be tried again: so long after it failed, however late apt asks. Nothing: at once.
    std::optional<TimePoint> take_due(const std::string& uri);
    // Before apt's own method asks, when the agent was turned away for the moment: the server is not asked twice at
    // once.
    Seconds pause_after(const Error& agents) const;

  private:
    struct Failed {
        int times = 0;
        std::optional<TimePoint> due;
    };

    bool are_apts_ = true, are_ours_ = false, heeds_servers_ = true;
    Seconds most_{30};
    std::map<std::string, Failed> failed_;  // by address
};

}  // namespace packswarm::hooks
