#include "hooks/apt_retries.hpp"

#include <gtest/gtest.h>

namespace packswarm::hooks {
namespace {

using namespace std::chrono_literals;
using Clock = AptRetries::Clock;

constexpr auto address = "http://192.0.2.1/debian/dists/stable/InRelease";
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

// Seconds until a 600 for the address begins.
double pause(AptRetries& retries, Clock::time_point now = {}) {
    if (!retries.hold(address, "raw", now)) return 0;
    const auto due = *retries.next_due();
    EXPECT_TRUE(retries.take_due(due - 1ms).empty());
    EXPECT_EQ(retries.take_due(due), std::vector<std::string>{"raw"});
    EXPECT_FALSE(retries.next_due());
    return std::chrono::duration<double>(due - now).count();
}

TEST(AptRetries, PausesGrowAsAptsOwnAndEndAtItsMaximum) {
    AptRetries retries(as_set_up());
    EXPECT_EQ(pause(retries), 0) << "nothing has failed";
    for (const double expected : {1, 2, 4, 8, 16, 30, 30}) {
        retries.failed(failure(), wall);
        EXPECT_EQ(pause(retries), expected);
        EXPECT_EQ(pause(retries), 0) << "asked for once more without a failure in between";
    }
}

TEST(AptRetries, WhatFailedForGoodDoesNotWait) {
    AptRetries retries(as_set_up());
    AptMessage gone(400, "URI Failure");
    retries.failed(gone.add("URI", address).add("FailReason", "HttpError404"), wall);
    EXPECT_EQ(pause(retries), 0);
}

TEST(AptRetries, AServersOwnTimeIsHeededUpToTheMaximum) {
    AptRetries retries(as_set_up({"Acquire::Retries::Delay::Maximum=20"}));
    retries.failed(failure("TooManyRequests", "1800000010"), wall);
    EXPECT_EQ(pause(retries), 11);
    retries.failed(failure("TooManyRequests", "1700000000"), wall);
    EXPECT_EQ(pause(retries), 2);
    for (const char* time : {"99999999999999999", "9223372036854775807"}) {
        retries.failed(failure("TooManyRequests", time), wall);
        EXPECT_EQ(pause(retries), 20);
    }
    for (const char* time : {"", "-5", "99999999999999999999", "soon"}) {
        AptRetries fresh(as_set_up());
        fresh.failed(failure("TooManyRequests", time), wall);
        EXPECT_EQ(pause(fresh), 1) << time;
    }
    AptRetries deaf(as_set_up({"Acquire::Retries::HandleRetryAfter=false"}));
    deaf.failed(failure("TooManyRequests", "1800000010"), wall);
    EXPECT_EQ(pause(deaf), 1);
}

TEST(AptRetries, PausesStayAptsWhereTheSetUpDoesNotSayOtherwise) {
    for (const auto& settings : {std::vector<std::string>{},
                                 {"Packswarm::Retries::Delay=true"},
                                 {"Acquire::Retries::Delay=false"},
                                 {"Packswarm::Retries::Delay=true", "Acquire::Retries::Delay=true"}}) {
        AptRetries retries(config(settings));
        retries.failed(failure(), wall);
        EXPECT_EQ(pause(retries), 0);
    }
    AptRetries none(as_set_up({"Acquire::Retries::Delay::Maximum=0"}));
    none.failed(failure(), wall);
    EXPECT_EQ(pause(none), 0);
}

}  // namespace
}  // namespace packswarm::hooks
