#include "p2p/core/mirror_health.hpp"

#include <gtest/gtest.h>

namespace packswarm::core {
namespace {

TEST(MirrorHealth, BlamesByKindAndForgivesWithTime) {
    const WallTime now{Seconds(1000)};
    MirrorHealth health;
    note_failure(health, ErrorKind::Absent, now);
    note_failure(health, ErrorKind::Absent, now);
    EXPECT_TRUE(is_usable(health, now)) << "a mirror in mid-sync lacks a file or two";
    note_failure(health, ErrorKind::Absent, now);
    EXPECT_FALSE(is_usable(health, now));
    EXPECT_TRUE(is_usable(health, now + Seconds(61)));
    note_success(health);
    EXPECT_TRUE(is_usable(health, now));
    note_failure(health, ErrorKind::Corrupt, now);
    EXPECT_FALSE(is_usable(health, now + Seconds(599)));
    MirrorHealth flaky;
    for (int i = 0; i < 30; ++i) note_failure(flaky, ErrorKind::Transient, now);
    EXPECT_TRUE(is_usable(flaky, now + Seconds(301))) << "never set back for longer than five minutes";
}

TEST(MirrorHealth, LearnsItsPatienceFromWhatItSaw) {
    MirrorHealth health;
    for (int i = 0; i < 50; ++i) note_first_byte(health, 0.02);
    EXPECT_NEAR(health.first_byte_s, 0.02, 0.001);
    EXPECT_LT(first_byte_p95(health), 0.06);
    note_first_byte(health, 1.0);
    EXPECT_GT(first_byte_p95(health), 0.5);
}

const WallTime now{Seconds(1000)};

TEST(MirrorHealth, EachFailureInARowSetsItBackForTwiceAsLong) {
    MirrorHealth health;
    for (const int seconds : {2, 4, 8, 16, 32, 64, 128, 256, 300, 300}) {
        health.back_at.reset();
        note_failure(health, ErrorKind::Transient, now);
        EXPECT_EQ(health.back_at, now + Seconds(seconds));
    }
    note_success(health);
    note_failure(health, ErrorKind::Transient, now);
    EXPECT_EQ(health.back_at, now + Seconds(2)) << "what it gave begins the row anew";
}

TEST(MirrorHealth, AfterWrongBytesNothingRightIsAnExcuse) {
    MirrorHealth health;
    note_failure(health, ErrorKind::Corrupt, now);
    note_success(health);
    EXPECT_FALSE(is_usable(health, now + Seconds(599)));
    EXPECT_FALSE(answers(health, now));
    EXPECT_TRUE(is_usable(health, now + Seconds(600)));
}

TEST(MirrorHealth, ALaterAndSmallerFaultDoesNotShortenWhatAGreaterOneCost) {
    MirrorHealth health;
    note_failure(health, ErrorKind::Corrupt, now);
    note_failure(health, ErrorKind::Transient, now);
    EXPECT_EQ(health.back_at, now + Seconds(600));
}

TEST(MirrorHealth, OneThatLacksFilesIsSetBackAndStillAnswers) {
    MirrorHealth health;
    for (int i = 0; i < 3; ++i) note_failure(health, ErrorKind::Absent, now);
    EXPECT_FALSE(is_usable(health, now));
    EXPECT_TRUE(answers(health, now));
    note_failure(health, ErrorKind::Transient, now);
    EXPECT_FALSE(answers(health, now)) << "it fails, too";
}

TEST(MirrorHealth, TheFirstRateIsTakenAsItIsAndLaterOnesMoveIt) {
    MirrorHealth health;
    note_rate(health, 1e6);
    EXPECT_EQ(health.rate, 1e6);
    note_rate(health, 2e6);
    EXPECT_GT(health.rate, 1e6);
    EXPECT_LT(health.rate, 2e6);
}

}  // namespace
}  // namespace packswarm::core
