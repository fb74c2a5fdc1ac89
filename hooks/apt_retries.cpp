#include "hooks/apt_retries.hpp"

#include <algorithm>

namespace packswarm::hooks {

namespace {
constexpr ByteCount default_most_s = 30;
constexpr int most_doublings = 10;
}  // namespace

AptRetries::AptRetries(const AptConfig& config)
    : are_ours_(config.find_bool("Packswarm::Retries::Delay", false) &&
                !config.find_bool("Acquire::Retries::Delay", true)),
      heeds_servers_(config.find_bool("Acquire::Retries::HandleRetryAfter", true)),
      most_(std::min<ByteCount>(
          parse_byte_count(config.find("Acquire::Retries::Delay::Maximum")).value_or(default_most_s), 3600)) {}

void AptRetries::failed(const AptMessage& failure, WallTime now) {
    if (!are_ours_ || failure.find("Transient-Failure") != "true") return;
    auto& entry = failed_[std::string(failure.find("URI"))];
    entry.pause = std::chrono::seconds(1LL << std::min(entry.times++, most_doublings));
    const auto until = heeds_servers_ && failure.find("FailReason") == "TooManyRequests"
                           ? parse_byte_count(failure.find("Retry-After"))
                           : std::nullopt;
    const auto second = now.time_since_epoch().count();
    if (until && *until > second)
        entry.pause += std::chrono::seconds(std::min<ByteCount>(*until - second, most_.count()));
    entry.pause = std::min(entry.pause, most_);
}

bool AptRetries::hold(const std::string& uri, const std::string& raw, Clock::time_point now) {
    const auto at = failed_.find(uri);
    if (at == failed_.end() || at->second.pause.count() == 0) return false;
    waiting_.emplace(now + std::exchange(at->second.pause, {}), raw);
    return true;
}

std::vector<std::string> AptRetries::take_due(Clock::time_point now) {
    std::vector<std::string> due;
    const auto end = waiting_.upper_bound(now);
    for (auto at = waiting_.begin(); at != end; ++at) due.push_back(std::move(at->second));
    waiting_.erase(waiting_.begin(), end);
    return due;
}

std::optional<AptRetries::Clock::time_point> AptRetries::next_due() const {
    return waiting_.empty() ? std::nullopt : std::optional(waiting_.begin()->first);
}

}  // namespace packswarm::hooks
