// When nobody is left to ask.
#include "tests/unit/plan/plan_fixture.hpp"

namespace packswarm::plan {
namespace {

TEST_F(Plan, GivesUpOnlyWhenNobodyIsLeftAndPeersHadTheirTime) {
    const auto only = mirror(1e6);
    const auto id = want(50'000, {only});
    board.wants.at(id).barred.insert(only);
    board.peer_grace = 1500ms;
    EXPECT_TRUE(decide().give_ups.empty());
    now += 2s;
    EXPECT_EQ(decide().give_ups, (std::vector<WantId>{id}));
}

// Nothing in the rules waits like that; should something be forgotten all the same, its asker hears of it.
TEST_F(Plan, WhatNobodyIsAtWorkOnForAMinuteFails) {
    const auto only = mirror(1e6, 0.02, 0);
    const auto id = want(20 * mib, {only});
    EXPECT_TRUE(decide().give_ups.empty());
    now += 61s;
    EXPECT_EQ(decide().give_ups, (std::vector<WantId>{id}));
    const auto other = want(20 * mib, {mirror(1e6)});
    claim(other, SourceId{2}, {0, 20 * mib});
    EXPECT_TRUE(decide().give_ups.empty()) << "others are still being fetched";
}

TEST_F(Plan, IsNotGivenUpWhileItIsVerified) {
    const auto id = want(50'000, {});
    now += 100s;
    EXPECT_EQ(decide().give_ups, (std::vector<WantId>{id}));
    board.wants.at(id).resting = true;
    EXPECT_TRUE(decide().give_ups.empty());
}

TEST_F(Plan, AWantsOwnGraceGoesBeforeTheBoards) {
    const auto id = want(50'000, {});
    board.peer_grace = 10s;
    board.wants.at(id).grace = 1s;
    now += 2s;
    EXPECT_EQ(decide().give_ups, (std::vector<WantId>{id}));
}

TEST_F(Plan, ATorrentThatStandsStillIsAHopeForTenSeconds) {
    const auto id = want(20 * mib, {});
    auto& swarm = board.wants.at(id).swarm;
    swarm.joined = true;
    swarm.since = swarm.last_piece = now;
    now += 9s;
    EXPECT_TRUE(decide().give_ups.empty());
    now += 2s;
    EXPECT_EQ(decide().give_ups, (std::vector<WantId>{id}));
}

}  // namespace
}  // namespace packswarm::plan
