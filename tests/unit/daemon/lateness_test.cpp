#include "p2p/daemon/lateness.hpp"

#include <gtest/gtest.h>

namespace packswarm::daemon {
namespace {

TEST(Lateness, OfALoopThatNeverStandsStillIsNone) {
    Lateness lateness;
    EXPECT_EQ(lateness.quantile(0.99), Millis(0));
    for (int i = 0; i < 1000; ++i) lateness.add(Millis(0), Millis(10));
    EXPECT_EQ(lateness.quantile(0.99), Millis(0));
    EXPECT_EQ(lateness.quantile(1), Millis(0));
}

// In ten seconds one still of 300 ms: a hundredth of the time, the first 100 ms of it, waits for more than 200 ms.
TEST(Lateness, CountsMomentsAndNotLooks) {
    Lateness lateness;
    for (int i = 0; i < 970; ++i) lateness.add(Millis(0), Millis(10));
    lateness.add(Millis(300), Millis(300));
    EXPECT_EQ(lateness.quantile(0.99), Millis(200));
    EXPECT_EQ(lateness.quantile(1), Millis(300));
    EXPECT_EQ(lateness.quantile(0.5), Millis(0));
}

TEST(Lateness, TellsNothingApartBeyondItsLongest) {
    Lateness lateness;
    lateness.add(Millis(90'000), Millis(90'000));
    lateness.add(Millis(-5), Millis(10));
    EXPECT_EQ(lateness.quantile(1), Millis(2000));
}

}  // namespace
}  // namespace packswarm::daemon
