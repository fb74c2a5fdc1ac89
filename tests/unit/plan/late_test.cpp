// Claims that end, and what is taken over from those who would end last.
#include "tests/unit/plan/plan_fixture.hpp"

namespace packswarm::plan {
namespace {

TEST_F(Plan, LetsOnlyTheOneThatIsFurtherAlongGoOnWhenASilentSourceSpeaksAgain) {
    const auto silent = mirror(1e6), second = mirror(1e6);
    const auto id = want(8 * mib, {silent, second});
    const auto first = claim(id, silent, {0, 8 * mib}, 2 * mib, 9000ms, 3000ms);
    const auto hedge = claim(id, second, {2 * mib, 8 * mib}, mib, 1000ms, 10ms);
    board.wants.at(id).claims.at(hedge).purpose = Purpose::hedge;
    EXPECT_TRUE(decide().stops.empty()) << "it is silent still";
    board.wants.at(id).claims.at(first).last_byte = now;
    board.wants.at(id).claims.at(first).received = 5 * mib / 2;
    auto stops = decide().stops;
    ASSERT_EQ(stops.size(), 1u);
    EXPECT_EQ(stops[0].claim, first);
    board.wants.at(id).claims.at(first).received = 4 * mib;
    stops = decide().stops;
    ASSERT_EQ(stops.size(), 1u);
    EXPECT_EQ(stops[0].claim, hedge);
}

TEST_F(Plan, TakesOverTheFarPartOfASlowClaimWhenNothingElseIsLeft) {
    const auto slow = mirror(100e3), fast = mirror(5e6);
    const auto id = want(4 * mib, {slow, fast});
    board.wants.at(id).done.add({0, 2 * mib});
    const auto victim = claim(id, slow, {2 * mib, 4 * mib}, 100'000, 1000ms);
    const auto decisions = decide();
    ASSERT_EQ(decisions.shortens.size(), 1u);
    EXPECT_EQ(decisions.shortens[0].claim, victim);
    ASSERT_EQ(decisions.starts.size(), 1u);
    EXPECT_EQ(decisions.starts[0].source, fast);
    EXPECT_EQ(decisions.starts[0].range.begin, decisions.shortens[0].end);
    EXPECT_EQ(decisions.starts[0].range.end, 4 * mib);
}

TEST_F(Plan, LeavesASlowClaimAloneThatEndsBeforeEverythingElseDoes) {
    const auto slow = mirror(500e3), fast = mirror(5e6);
    const auto id = want(20 * mib, {slow, fast});
    claim(id, slow, {0, mib}, 1000, 500ms);
    const auto behind = want(80 * mib, {slow, fast});
    claim(behind, fast, {0, 20 * mib}, 1000, 500ms);
    claim(behind, fast, {20 * mib, 40 * mib}, 1000, 500ms);
    EXPECT_TRUE(decide().shortens.empty()) << "its connection would be closed with bytes on their way";
}

TEST_F(Plan, ReplacesASilentSourceFromWhereItStopped) {
    const auto dead = mirror(5e6), alive = mirror(1e6);
    const auto id = want(4 * mib, {dead, alive});
    board.wants.at(id).done.add({0, 2 * mib});
    claim(id, dead, {2 * mib, 4 * mib}, 500'000, 4000ms, 3000ms);
    const auto starts = starts_of(decide(), id);
    ASSERT_EQ(starts.size(), 1u);
    EXPECT_EQ(starts[0].source, alive);
    EXPECT_EQ(starts[0].range.begin, 2 * mib + 500'000);
    board.wants.at(id).done.add({2 * mib, 3 * mib});
    EXPECT_EQ(starts_of(decide(), id).size(), 1u);
    board.wants.at(id).size = 5 * mib;
    board.wants.at(id).done.add({3 * mib, 4 * mib});
    for (const auto& start : starts_of(decide(), id))
        EXPECT_GE(start.range.begin, 4 * mib) << "what is here is not fetched again";
}

TEST_F(Plan, AMirrorThatGivesPartsTakesTheFarEndFromOneThatSendsAll) {
    const auto parts = mirror(5e6), whole = mirror(1e6);
    board.sources.at(whole).ranges = false;
    const auto id = want(20 * mib, {parts, whole});
    claim(id, whole, {0, 20 * mib}, mib, 1000ms);
    const auto decisions = decide();
    ASSERT_EQ(decisions.shortens.size(), 1u);
    const auto starts = starts_of(decisions, id);
    ASSERT_EQ(starts.size(), 1u);
    EXPECT_EQ(starts[0].source, parts);
    EXPECT_EQ(starts[0].range, (ByteRange{decisions.shortens[0].end, 20 * mib}));
}

TEST_F(Plan, AMirrorWithoutRangesNeverTakesOverPartOfAClaim) {
    const auto slow = mirror(1e5), whole = mirror(50e6);
    board.sources.at(whole).ranges = false;
    const auto id = want(20 * mib, {slow, whole});
    claim(id, slow, {0, 20 * mib}, mib, 10'000ms);
    for (const auto& start : starts_of(decide(), id)) EXPECT_EQ(start.range.begin, 0);
    EXPECT_TRUE(decide().shortens.empty());
}

TEST_F(Plan, WhatPeersGaveMeanwhileIsNotTakenFromAMirrorThatSendsIt) {
    const auto m = mirror(5e6);
    const auto id = want(4 * mib, {m});
    const auto running = claim(id, m, {3 * mib, 4 * mib}, 200 * limits::kib, 100ms);
    EXPECT_TRUE(decide().stops.empty());
    board.wants.at(id).done.add({3 * mib, 4 * mib});
    const auto stops = decide().stops;
    ASSERT_EQ(stops.size(), 1u);
    EXPECT_EQ(stops[0].claim, running);
    board.wants.at(id).claims.at(running).received = mib - 32 * limits::kib;
    EXPECT_TRUE(decide().stops.empty()) << "the end costs less than a connection";
    board.wants.at(id).claims.at(running).received = 0;
    EXPECT_TRUE(decide().stops.empty()) << "whether it says anything at all is worth knowing";
}

TEST_F(Plan, NobodyTakesOverFromOneWhoseRestAnotherIsAtWorkOn) {
    const auto slow = mirror(100e3), fast = mirror(5e6), third = mirror(5e6);
    const auto id = want(4 * mib, {slow, fast, third});
    board.wants.at(id).done.add({0, 2 * mib});
    claim(id, slow, {2 * mib, 4 * mib}, 100'000, 1000ms);
    const auto rival = claim(id, fast, {3 * mib, 4 * mib}, 1000, 100ms);
    board.wants.at(id).claims.at(rival).purpose = Purpose::hedge;
    for (const auto& cut : decide().shortens) EXPECT_NE(cut.end, 3 * mib);
    EXPECT_TRUE(starts_of(decide(), id).empty() || starts_of(decide(), id)[0].source != fast);
}

}  // namespace
}  // namespace packswarm::plan
