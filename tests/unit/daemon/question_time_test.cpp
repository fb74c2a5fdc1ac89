#include "p2p/daemon/question_time.hpp"

#include <gtest/gtest.h>

namespace packswarm::daemon {
namespace {

using namespace std::chrono_literals;

TEST(QuestionTime, WhoTookMuchWaitsAndNobodyElse) {
    QuestionTime time;
    const TimePoint now(1000s);
    EXPECT_EQ(time.wait_of(7, now), Seconds(0));
    for (int i = 0; i < 29; ++i) time.took(7, 0.1, now);
    EXPECT_EQ(time.wait_of(7, now), Seconds(0)) << "2.9 seconds so far";
    time.took(7, 0.2, now);
    EXPECT_GT(time.wait_of(7, now), Seconds(5));
    EXPECT_EQ(time.wait_of(8, now), Seconds(0));
    EXPECT_EQ(time.wait_of(7, now + 11s), Seconds(0)) << "a hundredth of the time comes back";
    time.took(7, 0.05, now + 11s);
    EXPECT_GT(time.wait_of(7, now + 11s), Seconds(0));
    EXPECT_EQ(time.wait_of(7, now + 1000s), Seconds(0));
}

}  // namespace
}  // namespace packswarm::daemon
