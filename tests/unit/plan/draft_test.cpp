#include "p2p/plan/draft.hpp"

#include "tests/unit/plan/plan_fixture.hpp"

namespace packswarm::plan {
namespace {

TEST_F(Plan, LittleIsAskedOfAPeerThatHasProvenNothing) {
    const auto stranger = peer(Role::wan_peer, 50e6);
    for (int i = 0; i < 10; ++i) want(100'000, {}, {stranger});
    EXPECT_EQ(decide().starts.size(), 2u);
    board.sources.at(stranger).proven = 1;
    EXPECT_EQ(decide().starts.size(), 10u);
}

TEST_F(Plan, WhatIsBegunTakesAPlaceAndTheTimeOfItsSource) {
    const auto only = mirror(1e6, 0.1, 2);
    const auto one = want(100'000, {only}), other = want(100'000, {only});
    const View view(board, now);
    Draft draft(view);
    EXPECT_DOUBLE_EQ(draft.eta_s(only, 1'000'000), 1.1);
    draft.start(one, only, {0, 100'000}, Purpose::work, "");
    EXPECT_TRUE(draft.is_free(only));
    EXPECT_DOUBLE_EQ(draft.eta_s(only, 1'000'000), 2.1) << "they share its rate";
    draft.start(other, only, {0, 100'000}, Purpose::work, "");
    EXPECT_FALSE(draft.is_free(only));
    EXPECT_TRUE(draft.begins(one));
    EXPECT_EQ(std::move(draft).decisions().starts.size(), 2u);
}

TEST_F(Plan, WhatIsOnlyComparedIsFetchedAllTheSame) {
    const auto only = mirror(1e6);
    const auto id = want(20 * mib, {only});
    const View view(board, now);
    Draft draft(view);
    draft.start(id, only, {0, mib}, Purpose::check, "");
    EXPECT_FALSE(draft.begins(id));
    EXPECT_TRUE(draft.taken(id).empty());
    EXPECT_EQ(draft.claims_of(id, board.wants.at(id), only), 0);
    draft.start(id, only, {0, mib}, Purpose::work, "");
    EXPECT_TRUE(draft.begins_within(id, {0, 1}));
    EXPECT_FALSE(draft.begins_within(id, {mib, 2 * mib}));
    EXPECT_EQ(draft.taken(id).total(), mib);
    EXPECT_EQ(draft.claims_of(id, board.wants.at(id), only), 1);
}

TEST_F(Plan, WhatNobodyWaitsForLeavesOnePlaceOfEachSource) {
    const auto only = mirror(1e6, 0.02, 3);
    const auto id = want(100'000, {only});
    board.sources.at(only).busy = 2;
    const View view(board, now);
    const Draft draft(view);
    EXPECT_TRUE(draft.is_free_for(board.wants.at(id), only));
    board.wants.at(id).is_prefetch = true;
    EXPECT_FALSE(draft.is_free_for(board.wants.at(id), only));
}

TEST_F(Plan, NobodyJudgesItselfNorWithoutParts) {
    const auto one = mirror(1e6), slow = mirror(1e5), whole = mirror(9e6);
    board.sources.at(whole).ranges = false;
    const auto id = want(20 * mib, {one, slow, whole});
    const View view(board, now);
    const Draft draft(view);
    EXPECT_EQ(draft.judge(board.wants.at(id), SourceId{}), one) << "the soonest of those that give parts";
    EXPECT_EQ(draft.judge(board.wants.at(id), one), slow);
    board.wants.at(id).barred = {one, slow};
    EXPECT_EQ(draft.judge(board.wants.at(id), SourceId{}), std::nullopt);
}

}  // namespace
}  // namespace packswarm::plan
