#include "hooks/apt/retries.hpp"

#include <gtest/gtest.h>

namespace packswarm::hooks {
namespace {

constexpr auto address = "http://192.0.2.1/debian/dists/stable/InRelease";
constexpr TimePoint start{};
constexpr WallTime wall{std::chrono::seconds(1'800'000'000)};

AptConfig config(const std::vector<std::string>& items) {
    AptMessage message(601, "Configuration");
    for (const auto& item : items) message.add("Config-Item", item);
    return AptConfig(message, "http");
}

AptConfig as_set_up(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"Acquire::Retries::Delay=false", "Packswarm::Retries::Delay=true"});
    return config(more);
}

AptMessage failure(const char* reason = "Timeout", const char* retry_after = nullptr) {
    AptMessage message(400, "URI Failure");
    message.add("URI", address).add("FailReason", reason).add("Transient-Failure", "true");
    return retry_after == nullptr ? message : message.add("Retry-After", retry_after);
}

double pause(AptRetries& retries) { return seconds_between(start, retries.take_due(address).value_or(start)); }

TEST(AptRetries, PausesGrowAsAptsOwnAndEndAtItsMaximum) {
    AptRetries retries(as_set_up());
    EXPECT_EQ(pause(retries), 0) << "nothing has failed";
    for (const double expected : {1, 2, 4, 8, 16, 30, 30}) {
        retries.failed(failure(), start, wall);
        EXPECT_EQ(pause(retries), expected);
        EXPECT_EQ(pause(retries), 0) << "asked for once more without a failure in between";
    }
}

TEST(AptRetries, WhatFailedForGoodDoesNotWait) {
    AptRetries retries(as_set_up());
    AptMessage gone(400, "URI Failure");
    retries.failed(gone.add("URI", address).add("FailReason", "HttpError404"), start, wall);
    EXPECT_EQ(pause(retries), 0);
}

TEST(AptRetries, AServersOwnTimeIsHeededUpToTheMaximum) {
    AptRetries retries(as_set_up({"Acquire::Retries::Delay::Maximum=20"}));
    retries.failed(failure("TooManyRequests", "1800000010"), start, wall);
    EXPECT_EQ(pause(retries), 11);
    retries.failed(failure("TooManyRequests", "1700000000"), start, wall);
    EXPECT_EQ(pause(retries), 2);
    for (const char* time : {"99999999999999999", "9223372036854775807"}) {
        retries.failed(failure("TooManyRequests", time), start, wall);
        EXPECT_EQ(pause(retries), 20);
    }
    for (const char* time : {"", "-5", "99999999999999999999", "soon"}) {
        AptRetries fresh(as_set_up());
        fresh.failed(failure("TooManyRequests", time), start, wall);
        EXPECT_EQ(pause(fresh), 1) << time;
    }
    AptRetries deaf(as_set_up({"Acquire::Retries::HandleRetryAfter=false"}));
    deaf.failed(failure("TooManyRequests", "1800000010"), start, wall);
    EXPECT_EQ(pause(deaf), 1);
}

TEST(AptRetries, AServerThatTurnedTheAgentAwayIsNotAskedAtOnce) {
    const Error away{ErrorKind::Transient, "the agent is away"},
        busy{ErrorKind::Transient, "the server answered 429", Seconds(5)},
        long_busy{ErrorKind::Transient, "429", Seconds(3600)};
    const AptRetries retries(as_set_up()), deaf(as_set_up({"Acquire::Retries::HandleRetryAfter=false"})),
        apts(config({})), none(config({"Acquire::Retries::Delay=false"}));
    EXPECT_EQ(retries.pause_after(away), Seconds());
    EXPECT_EQ(retries.pause_after(busy), Seconds(6));
    EXPECT_EQ(retries.pause_after(long_busy), Seconds(30));
    EXPECT_EQ(deaf.pause_after(busy), Seconds(1));
    EXPECT_EQ(apts.pause_after(busy), Seconds(6)) << "apt waits as well";
    EXPECT_EQ(none.pause_after(busy), Seconds()) << "nobody is to wait";
}

TEST(AptRetries, PausesStayAptsWhereTheSetUpDoesNotSayOtherwise) {
    for (const auto& settings : {std::vector<std::string>{},
                                 {"Packswarm::Retries::Delay=true"},
                                 {"Acquire::Retries::Delay=false"},
                                 {"Packswarm::Retries::Delay=true", "Acquire::Retries::Delay=true"}}) {
        AptRetries retries(config(settings));
        retries.failed(failure(), start, wall);
        EXPECT_EQ(pause(retries), 0);
    }
    AptRetries none(as_set_up({"Acquire::Retries::Delay::Maximum=0"}));
    none.failed(failure(), start, wall);
    EXPECT_EQ(pause(none), 0);
}

}  // namespace
}  // namespace packswarm::hooks
