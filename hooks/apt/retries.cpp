#include "hooks/apt/retries.hpp"

#include <algorithm>

namespace packswarm::hooks {

namespace {
constexpr ByteCount default_most_s = 30;
constexpr int most_doublings = 10;
constexpr Seconds least_pause{1};
}  // namespace

AptRetries::AptRetries(const AptConfig& config)
    : are_apts_(config.find_bool("Acquire::Retries::Delay", true)),
      are_ours_(!are_apts_ && config.find_bool("Packswarm::Retries::Delay", false)),
      heeds_servers_(config.find_bool("Acquire::Retries::HandleRetryAfter", true)),
      most_(std::min<ByteCount>(
          parse_byte_count(config.find("Acquire::Retries::Delay::Maximum")).value_or(default_most_s), 3600)) {}

void AptRetries::failed(const AptMessage& failure, TimePoint now, WallTime wall) {
    if (!are_ours_ || failure.find("Transient-Failure") != "true") return;
    auto& entry = failed_[std::string(failure.find("URI"))];
    Seconds pause = least_pause * (1LL << std::min(entry.times++, most_doublings));
    const auto until = heeds_servers_ && failure.find("FailReason") == "TooManyRequests"
                           ? parse_byte_count(failure.find("Retry-After"))
                           : std::nullopt;
    const auto second = wall.time_since_epoch().count();
    if (until && *until > second) pause += Seconds(std::min<ByteCount>(*until - second, most_.count()));
    entry.due = now + std::min(pause, most_);
}

std::optional<TimePoint> AptRetries::take_due(const std::string& uri) {
    const auto at = failed_.find(uri);
    return at == failed_.end() ? std::nullopt : std::exchange(at->second.due, std::nullopt);
}

Seconds AptRetries::pause_after(const Error& agents) const {
    if (!(are_ours_ || are_apts_) || !agents.retry_after) return {};
    return std::min(least_pause + (heeds_servers_ ? *agents.retry_after : Seconds()), most_);
}

}  // namespace packswarm::hooks
