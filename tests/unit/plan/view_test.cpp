#include "p2p/plan/view.hpp"

#include <limits>

#include "p2p/core/canonical.hpp"
#include "tests/unit/plan/plan_fixture.hpp"

namespace packswarm::plan {
namespace {

TEST_F(Plan, AsksSetBackMirrorsWhenNoOtherIsLeft) {
    const auto back = mirror(1e6);
    board.sources.at(back).usable = false;
    want(50'000, {back});
    EXPECT_EQ(decide().starts.size(), 1u);
}

TEST_F(Plan, ASourceThatIsSetBackIsACandidateOnlyWhereNoOtherIs) {
    const auto good = mirror(1e6), back = mirror(1e6), barred = mirror(1e6), doubted = mirror(1e6);
    board.sources.at(back).usable = false;
    board.sources.at(doubted).doubted = true;
    const auto id = want(50'000, {good, back, barred, doubted, SourceId{99}});
    auto& entry = board.wants.at(id);
    entry.barred.insert(barred);
    EXPECT_EQ(View(board, now).candidates(entry, entry.mirrors), std::vector{good});
    entry.barred.insert(good);
    EXPECT_EQ(View(board, now).candidates(entry, entry.mirrors), std::vector{back});
    entry.barred.insert(back);
    EXPECT_FALSE(View(board, now).has_candidate(entry, entry.mirrors)) << "nor one that is not on the board";
}

TEST_F(Plan, LargeOnesWithTheLeastLeftComeFirstAndSmallOnesAsTheyCame) {
    const auto only = mirror(1e6);
    const auto small = want(100, {only}), ahead = want(2 * mib, {only}), large = want(40 * mib, {only}),
               begun = want(50 * mib, {only}), later = want(50, {only}), whole = want(5 * mib, {only});
    board.wants.at(ahead).is_prefetch = true;
    board.wants.at(whole).resting = true;
    board.wants.at(begun).done.add({0, 45 * mib});
    const View view(board, now);
    std::vector<WantId> in_order;
    for (const auto& one : view.large()) in_order.push_back(one.id);
    EXPECT_EQ(in_order, (std::vector{begun, large, ahead}));
    ASSERT_EQ(view.small().size(), 2u);
    EXPECT_EQ(view.small()[0].id, small);
    EXPECT_EQ(view.small()[1].id, later);
    EXPECT_EQ(view.large()[0].left, 5 * mib);
}

TEST_F(Plan, WhoIsSilentInOneClaimAndGivesNothingElsewhereIsMute) {
    const auto silent = mirror(1e6), other = mirror(1e6);
    const auto one = want(2 * mib, {silent, other}), two = want(2 * mib, {silent, other});
    claim(one, silent, {0, mib}, 1000, 9s, 8s);
    claim(two, other, {0, mib}, 1000, 9s, 10ms);
    EXPECT_TRUE(View(board, now).is_mute(silent));
    EXPECT_FALSE(View(board, now).is_mute(other));
    claim(two, silent, {mib, 2 * mib}, 1000, 9s, 10ms);
    EXPECT_FALSE(View(board, now).is_mute(silent)) << "it speaks elsewhere";
}

TEST_F(Plan, AStalledClaimEndsNever) {
    const auto only = mirror(1e6);
    const auto id = want(2 * mib, {only});
    auto& entry = board.wants.at(id);
    auto& running = entry.claims.at(claim(id, only, {0, mib}, mib / 2, 2s, 10ms));
    EXPECT_LT(View(board, now).eta_left_s(entry, running), 10);
    running.last_byte = now - 10s;
    EXPECT_TRUE(View(board, now).is_stalled(entry, running));
    EXPECT_EQ(View(board, now).eta_left_s(entry, running), std::numeric_limits<double>::max());
}

TEST_F(Plan, OnlyAWholePieceIsOne) {
    const auto id = want(20 * mib, {});
    auto& entry = board.wants.at(id);
    const auto piece = core::piece_length(entry.size);
    entry.done.add({1, 2 * piece - 1});
    EXPECT_FALSE(View::has_whole_piece(entry));
    entry.done.add({2 * piece - 1, 2 * piece});
    EXPECT_TRUE(View::has_whole_piece(entry));
}

TEST_F(Plan, TheFrontIsTheFirstLargeOneThatGrows) {
    const auto only = mirror(1e6);
    const auto near = want(2 * mib, {only}), far = want(40 * mib, {only});
    EXPECT_EQ(View(board, now).front(), near);
    now += 1s;
    board.wants.at(far).grown = now;
    EXPECT_EQ(View(board, now).front(), far) << "nobody waits for one that stands still";
    board.wants.at(near).resting = true;
    board.wants.at(near).grown = now;
    EXPECT_EQ(View(board, now).front(), near) << "its digest is about to tell";
}

}  // namespace
}  // namespace packswarm::plan
