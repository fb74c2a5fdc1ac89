#include "hooks/apt_retries.hpp"

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

void AptRetries::failed(const AptMessage& failure, WallTime now) {
    if (!are_ours_ || failure.find("Transient-Failure") != "true") return;
    auto& entry = failed_[std::string(failure.find("URI"))];
    entry.pause = least_pause * (1LL << std::min(entry.times++, most_doublings));
    const auto until = heeds_servers_ && failure.find("FailReason") == "TooManyRequests"
                           ? parse_byte_count(failure.find("Retry-After"))
                           : std::nullopt;
    const auto second = now.time_since_epoch().count();
    if (until && *until > second) entry.pause += Seconds(std::min<ByteCount>(*until - second, most_.count()));
    entry.pause = std::min(entry.pause, most_);
}

Seconds AptRetries::take_pause(const std::string& uri) {
    const auto at = failed_.find(uri);
    return at == failed_.end() ? Seconds() : std::exchange(at->second.pause, {});
}

Seconds AptRetries::pause_after(const Error& agents) const {
    if (!(are_ours_ || are_apts_) || !agents.retry_after) return {};
    return std::min(least_pause + (heeds_servers_ ? *agents.retry_after : Seconds()), most_);
}

}  // namespace packswarm::hooks
