#include "p2p/core/canonical.hpp"
#include "tests/unit/plan/plan_fixture.hpp"

namespace packswarm::plan {
namespace {

TEST_F(Plan, WhatNobodyWaitsForTakesWhatIsLeftAndOnePlaceLess) {
    const auto only = mirror(5e6);
    std::vector<WantId> ahead;
    for (const int number : {1, 4}) board.line.note(number, 1.25e6 * number, now);  // more at once bring more
    for (int i = 0; i < 10; ++i) {
        ahead.push_back(want(100'000, {only}));
        board.wants.at(ahead.back()).is_prefetch = true;
    }
    EXPECT_EQ(decide().starts.size(), 4u) << "one of five places stays free";
    const auto large = want(40 * mib, {only}), small = want(100'000, {only});
    const auto decisions = decide();
    EXPECT_EQ(starts_of(decisions, small).size(), 1u);
    EXPECT_EQ(starts_of(decisions, large).size(), 2u);
    EXPECT_EQ(decisions.starts.size(), 4u);
    EXPECT_EQ(decisions.starts[0].want, small);
}

TEST_F(Plan, ALargeFileNobodyWaitsForComesAfterThoseThatAreWaitedForAndIsNotCompared) {
    const auto one = mirror(5e6), other = mirror(5e6);
    const auto ahead = want(2 * mib, {one, other}), awaited = want(30 * mib, {one, other});
    board.wants.at(ahead).is_prefetch = true;
    board.wants.at(ahead).head_agreed = board.wants.at(awaited).head_agreed = false;
    board.wants.at(ahead).done.add({0, mib});
    board.wants.at(awaited).done.add({0, mib});
    const auto decisions = decide();
    ASSERT_FALSE(decisions.starts.empty());
    for (const auto& start : decisions.starts)
        if (start.purpose == Purpose::check) EXPECT_EQ(start.want, awaited);
    const auto first = std::find_if(decisions.starts.begin(), decisions.starts.end(),
                                    [](const Start& start) { return start.purpose == Purpose::work; });
    EXPECT_EQ(first->want, awaited);
}

TEST_F(Plan, InACrowdMoreThanOnePartIsHadInHandOnlyForTheHeads) {
    const auto far = mirror(2e6);
    std::vector<WantId> ids;
    for (int i = 0; i < 3; ++i) {
        ids.push_back(want(20 * mib, {far}));
        auto& crowd = board.wants.at(ids.back()).crowd;
        crowd.company = true;
        for (int k = 0; k < 3; ++k) crowd.seekers.insert(peer(Role::wan_peer));
    }
    const auto starts = decide().starts;
    ASSERT_EQ(starts.size(), 3u) << "each is begun";
    EXPECT_GT(starts[0].range.length(), tuning::head_bytes);
    EXPECT_LE(starts[1].range.length(), tuning::head_bytes);
    EXPECT_LE(starts[2].range.length(), tuning::head_bytes);
}

TEST_F(Plan, InACrowdASlowMirrorHasTwoSmallOnesInHandAndAFastOneAllItsPlaces) {
    for (const auto& [rate, places] : {std::pair(3e5, 2u), std::pair(1e7, 5u)}) {
        board = {};
        const auto only = mirror(rate), other = peer(Role::wan_peer);
        for (int i = 0; i < 10; ++i) board.wants.at(want(200'000, {only})).crowd.seekers.insert(other);
        EXPECT_EQ(decide().starts.size(), places);
        for (auto& [id, one] : board.wants) one.crowd.seekers.clear();
        EXPECT_EQ(decide().starts.size(), 5u) << "nobody waits for what is whole sooner";
    }
}

TEST_F(Plan, WhereManySeekASlowMirrorAndAPeerHaveOneInHand) {
    const auto far = mirror(8e4), friends = peer(Role::wan_peer, 1e5);
    std::vector<SourceId> others;
    for (int k = 0; k < 64; ++k) others.push_back(peer(Role::wan_peer));
    for (int i = 0; i < 6; ++i) {
        auto& one = board.wants.at(
            want(i < 4 ? 500'000 : 20 * mib, {far}, i < 2 ? std::vector{friends} : std::vector<SourceId>{}));
        one.crowd.seekers = {others.begin(), others.end()};
    }
    std::map<SourceId, int> small, parts;
    for (const auto& start : decide().starts) {
        const bool is_small = board.wants.at(start.want).is_small();
        if (is_small || start.range.length() > tuning::head_bytes) ++(is_small ? small : parts)[start.source];
    }
    EXPECT_EQ(small, (std::map<SourceId, int>{{far, 1}, {friends, 1}}));
    EXPECT_TRUE(parts.empty()) << "heads only beside what is small";
}

TEST_F(Plan, WhatOthersSeekIsWaitedForAsLongAsSomethingElseComes) {
    const auto friends = peer(Role::wan_peer, 1e6);
    const auto stuck = want(2 * mib, {}), moving = want(100'000, {}, {friends});
    board.wants.at(stuck).created = board.wants.at(stuck).grown = now - 30s;
    board.wants.at(stuck).crowd.seekers.insert(friends);
    const auto comes = claim(moving, friends, {0, 100'000}, 10'000, 1s, 100ms);
    EXPECT_TRUE(decide().give_ups.empty());
    board.wants.at(moving).claims.at(comes).last_byte = now - 8s;
    ASSERT_EQ(decide().give_ups.size(), 1u) << "nothing comes any more";
    board.delivered = now - 1s;
    EXPECT_TRUE(decide().give_ups.empty()) << "somebody is given what is here already";
    board.wants.at(moving).claims.at(comes).last_byte = now;
    board.wants.at(stuck).created = board.wants.at(stuck).grown = now - 61s;
    EXPECT_EQ(decide().give_ups.size(), 1u) << "it has had its time";
}

TEST_F(Plan, InACrowdWhatNobodyWaitsForYetHasItsTurnAllTheSame) {
    const auto only = mirror(5e6);
    const auto friends = peer(Role::wan_peer);
    const auto ahead = want(100'000, {only}), ahead_too = want(2 * mib, {only}), large = want(40 * mib, {only});
    for (const auto id : {ahead, ahead_too}) board.wants.at(id).is_prefetch = true;
    EXPECT_EQ(decide().starts[0].want, large);
    EXPECT_EQ(starts_of(decide(), large).size(), 2u);
    for (auto& [id, one] : board.wants) one.crowd.seekers.insert(friends);
    EXPECT_EQ(decide().starts[0].want, ahead);
    board.wants.at(ahead).resting = true;
    EXPECT_EQ(starts_of(decide(), large).size(), 1u);
    EXPECT_EQ(starts_of(decide(), ahead_too).size(), 1u);
}

// Else nothing of it could be streamed when all mirrors have gone, and pacman waits ten seconds for a byte.
TEST_F(Plan, InACrowdTheHeadOfALargeFileNobodyWaitsForYetIsComparedInItsTurn) {
    const auto one = mirror(5e6), other = mirror(5e6), friends = peer(Role::wan_peer);
    const auto id = want(2 * mib, {one, other});
    auto& ahead = board.wants.at(id);
    ahead.is_prefetch = true;
    ahead.head_agreed = false;
    ahead.done.add({0, tuning::head_bytes});
    ahead.heads.insert(one);
    const auto is_check = [](const Start& start) { return start.purpose == Purpose::check; };
    EXPECT_EQ(std::ranges::count_if(decide().starts, is_check), 0);
    ahead.crowd.seekers.insert(friends);
    EXPECT_EQ(std::ranges::count_if(decide().starts, is_check), 1);
}

// Lenders keep its claims busy from the first moment, with whatever pieces they have.
TEST_F(Plan, InACrowdTheHeadOfEachLargeFileIsFetchedEarlyWhoeverLendsTheRest) {
    const auto one = mirror(5e6), other = mirror(5e6), friends = peer(Role::wan_peer),
               lender = peer(Role::wan_peer, 1e6);
    const auto id = want(8 * mib, {one, other});
    auto& ahead = board.wants.at(id);
    ahead.is_prefetch = true;
    ahead.head_agreed = false;
    ahead.crowd.seekers.insert(friends);
    std::vector<bool> lent(core::piece_count(ahead.size), true);
    lent[0] = false;
    ahead.crowd.lenders.set(lender, lent);
    ahead.done.add({4 * mib, 5 * mib});
    claim(id, lender, {5 * mib, 6 * mib}, 1000);
    const auto begins_with_head = [](const Start& start) {
        return start.range == ByteRange{0, tuning::head_bytes} && start.purpose == Purpose::work;
    };
    EXPECT_EQ(std::ranges::count_if(starts_of(decide(), id), begins_with_head), 1);
    ahead.head_agreed = true;
    EXPECT_EQ(std::ranges::count_if(starts_of(decide(), id), begins_with_head), 0);
}

}  // namespace
}  // namespace packswarm::plan
