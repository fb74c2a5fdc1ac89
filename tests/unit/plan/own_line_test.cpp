#include "p2p/plan/own_line.hpp"

#include <gtest/gtest.h>

namespace packswarm::plan {
namespace {

using namespace std::chrono_literals;

class OwnLineTest : public ::testing::Test {
  protected:
    OwnLine line;
    TimePoint now{100s};
};

TEST_F(OwnLineTest, KnowsNothingBeforeItHasSeenMoreAndFewerInFlight) {
    EXPECT_FALSE(line.is_measured(now));
    EXPECT_FALSE(line.growth(now));
    line.note(5, 120e3, now);
    line.note(4.8, 126e3, now);
    EXPECT_TRUE(line.is_measured(now));
    EXPECT_EQ(line.most_measured(now), 5);
    EXPECT_FALSE(line.growth(now));
}

TEST_F(OwnLineTest, OneMoreInFlightTellsNoSlope) {
    line.note(3, 100e3, now);
    line.note(4, 150e3, now);
    EXPECT_FALSE(line.growth(now));
    line.note(6, 150e3, now);
    EXPECT_TRUE(line.growth(now));
}

TEST_F(OwnLineTest, WhatComesAllAtOnceBehindALostPacketIsNoPeak) {
    line.note(4, 100e3, now);
    line.note(4, 240e3, now + 1s);
    EXPECT_LT(line.peak(now + 1s), 180e3);
    EXPECT_NEAR(line.latest(now + 1s), 170e3, 1);
    EXPECT_EQ(line.latest(now + 10s), 0);
    for (int second = 2; second < 8; ++second) line.note(4, 240e3, now + second * 1s);
    EXPECT_NEAR(line.peak(now + 8s), 240e3, 5e3);
}

TEST_F(OwnLineTest, ALineThatAllShareBringsTheSameHoweverManyAreInFlight) {
    for (int number = 8; number >= 2; --number) line.note(number, 120e3 + (number % 2 == 0 ? 4e3 : -4e3), now);
    ASSERT_TRUE(line.growth(now));
    EXPECT_NEAR(*line.growth(now), 0, 0.1);
}

TEST_F(OwnLineTest, AServerThatIsSlowToEachConnectionBringsMoreWithEach) {
    for (int number = 2; number <= 6; ++number) line.note(number, 35e3 * number, now);
    ASSERT_TRUE(line.growth(now));
    EXPECT_NEAR(*line.growth(now), 1, 0.1);
}

TEST_F(OwnLineTest, TheNewestSampleOfANumberWeighsMost) {
    line.note(2, 60e3, now);  // before the line was full
    line.note(5, 120e3, now);
    EXPECT_GT(*line.growth(now), 0.5);
    for (int i = 0; i < 4; ++i) line.note(2, 120e3, now);
    EXPECT_LT(*line.growth(now), 0.1);
}

TEST_F(OwnLineTest, ForgetsWhatWasLongAgo) {
    line.note(2, 120e3, now);
    line.note(5, 120e3, now);
    now += 31s;
    EXPECT_FALSE(line.is_measured(now));
    EXPECT_FALSE(line.growth(now));
}

TEST_F(OwnLineTest, TakesNoNumberBeyondItsBounds) {
    line.note(1e9, 1e6, now);
    line.note(0, 1e6, now);
    line.note(3, 0, now);
    line.note(-1, 1e6, now);
    EXPECT_EQ(line.most_measured(now), 32);
    EXPECT_FALSE(line.growth(now));
}

TEST(AnswerDelay, IsLongWhenTwoAnswersInARowCameMuchLaterThanTheQuickest) {
    AnswerDelay delay;
    TimePoint now{100s};
    EXPECT_FALSE(delay.is_long(now));
    for (const double first_byte_s : {0.5, 0.6, 0.5}) delay.note(first_byte_s, now);
    EXPECT_FALSE(delay.is_long(now)) << "it was never quicker: it is far away";
    delay.note(0.03, now);
    delay.note(0.5, now);
    EXPECT_FALSE(delay.is_long(now)) << "one lost packet";
    delay.note(0.4, now);
    EXPECT_TRUE(delay.is_long(now));
    delay.note(0.1, now);
    EXPECT_FALSE(delay.is_long(now));
}

TEST(AnswerDelay, IsForgotten) {
    AnswerDelay delay;
    TimePoint now{100s};
    for (const double first_byte_s : {0.03, 0.5, 0.5}) delay.note(first_byte_s, now);
    EXPECT_TRUE(delay.is_long(now + 14s));
    EXPECT_FALSE(delay.is_long(now + 15s));
}

}  // namespace
}  // namespace packswarm::plan
