#include "p2p/plan/crowd.hpp"

#include <gtest/gtest.h>

#include "p2p/core/canonical.hpp"

namespace packswarm::plan {
namespace {

using namespace std::chrono_literals;
using limits::mib;

// The same want as each of several agents sees it: everybody knows everybody.
std::vector<Board> crowd(std::size_t agents, ByteCount size, TimePoint now) {
    std::vector<Board> boards(agents);
    for (std::size_t i = 0; i < agents; ++i) {
        auto& board = boards[i];
        board.key = 1000 + i;
        board.crowd_until = now + 10s;
        auto& want = board.wants[WantId{1}];
        want.size = size;
        want.created = now;
        want.head_agreed = true;
        want.crowd.company = true;
        want.crowd.seed = 42;
        for (std::size_t other = 0; other < agents; ++other) {
            if (other == i) continue;
            const auto id = SourceId{static_cast<std::uint32_t>(other + 1)};
            board.sources[id].role = Role::wan_peer;
            board.sources[id].key = 1000 + other;
            want.crowd.seekers.insert(id);
        }
    }
    return boards;
}

Want& want_of(Board& board) { return board.wants.at(WantId{1}); }

TEST(Crowd, EveryStripeHasExactlyOneOwnerAndNobodyOwnsMost) {
    auto boards = crowd(8, 97 * mib, TimePoint(100s));
    std::vector<int> owned(8);
    for (std::size_t stripe = 0; stripe < 97; ++stripe) {
        int owners = 0;
        for (std::size_t i = 0; i < boards.size(); ++i) {
            if (!is_ours(boards[i], want_of(boards[i]), stripe)) continue;
            ++owned[i];
            ++owners;
        }
        EXPECT_EQ(owners, 1) << "stripe " << stripe;
    }
    for (const int count : owned) EXPECT_LT(count, 30);
}

TEST(Crowd, WhoLeavesLeavesItsStripesToOthersAndNothingElseChangesHands) {
    auto boards = crowd(5, 97 * mib, TimePoint(100s));
    std::vector<bool> before;
    for (std::size_t stripe = 0; stripe < 97; ++stripe)
        before.push_back(is_ours(boards[0], want_of(boards[0]), stripe));
    want_of(boards[0]).crowd.seekers.erase(SourceId{5});
    for (std::size_t stripe = 0; stripe < 97; ++stripe)
        if (before[stripe]) EXPECT_TRUE(is_ours(boards[0], want_of(boards[0]), stripe));
}

// Each takes one share after the other, told of nothing: the first copy of the file is fetched about once.
TEST(Crowd, SharesOfTheMirrorsDoNotOverlapWhileOwnStripesAreLeft) {
    auto boards = crowd(4, 64 * mib, TimePoint(100s));
    std::vector<core::RangeSet> taken(4);
    core::RangeSet all;
    ByteCount fetched = 0;
    for (int round = 0; round < 9; ++round)
        for (std::size_t i = 0; i < 4; ++i) {
            const auto range = mirror_share(boards[i], want_of(boards[i]), taken[i], mib, TimePoint(110s), 0);
            ASSERT_TRUE(range);
            taken[i].add(*range);
            all.add(*range);
            fetched += range->length();
        }
    EXPECT_GE(all.total(), fetched * 9 / 10);
}

// A crowd of a hundred would else ask the mirrors for a hundred first parts of each file.
TEST(Crowd, StripesOfOthersAreLeftToThemForAWhile) {
    auto boards = crowd(20, 8 * mib, TimePoint(100s));
    const auto shares = [&](TimePoint now, double share_s) {
        ByteCount out = 0;
        for (auto& board : boards)
            if (const auto range = mirror_share(board, want_of(board), {}, mib, now, share_s)) out += range->length();
        return out;
    };
    const auto first = shares(TimePoint(101s), 0);
    EXPECT_GT(first, 3 * mib);
    EXPECT_LE(first, 8 * mib) << "nothing twice";
    EXPECT_EQ(shares(TimePoint(103s), 0), 20 * mib) << "nothing comes";
    for (auto& board : boards) want_of(board).grown = TimePoint(109s);
    EXPECT_EQ(shares(TimePoint(110s), 10.5), first)
        << "it grows: the owners may need as long as everybody's share takes";
    const auto later = shares(TimePoint(110s), 9);
    EXPECT_GT(later, first) << "then who comes next helps them";
    EXPECT_LT(later, 20 * mib);
    want_of(boards[0]).crowd.seekers = {SourceId{2}, SourceId{3}};
    EXPECT_TRUE(mirror_share(boards[0], want_of(boards[0]), {}, mib, TimePoint(101s), 100))
        << "too few to keep the mirrors busy";
}

TEST(Crowd, TheHeadComesFirstUntilTwoMirrorsAgreeOnIt) {
    auto boards = crowd(2, 8 * mib, TimePoint(100s));
    auto& want = want_of(boards[0]);
    want.head_agreed = false;
    EXPECT_EQ(mirror_share(boards[0], want, {}, mib, TimePoint(110s), 0), (ByteRange{0, tuning::head_bytes}));
}

TEST(Crowd, WhatNobodyLendsComesBeforeWhatFewLend) {
    auto boards = crowd(2, 8 * mib, TimePoint(100s));
    auto& want = want_of(boards[0]);
    const auto pieces = core::piece_count(want.size);
    std::vector<bool> lent(pieces, true);
    lent[pieces - 1] = false;
    want.crowd.lenders.set(SourceId{2}, lent);
    const auto range = mirror_share(boards[0], want, {}, mib, TimePoint(110s), 0);
    ASSERT_TRUE(range);
    EXPECT_EQ(range->begin, core::piece_range(want.size, pieces - 1).begin);
}

TEST(Crowd, FromALenderTheRarestOfItsPiecesIsTaken) {
    auto boards = crowd(3, 8 * mib, TimePoint(100s));
    auto& want = want_of(boards[0]);
    const auto pieces = core::piece_count(want.size);
    std::vector<bool> all(pieces, true), most(pieces, true);
    most[5] = false;
    want.crowd.lenders.set(SourceId{2}, all);
    want.crowd.lenders.set(SourceId{3}, most);
    EXPECT_EQ(lender_share(boards[0], want, SourceId{2}, {}, mib)->begin, core::piece_range(want.size, 5).begin);
    EXPECT_NE(lender_share(boards[0], want, SourceId{3}, {}, mib)->begin, core::piece_range(want.size, 5).begin);
    core::RangeSet taken;
    taken.add({0, want.size});
    EXPECT_FALSE(lender_share(boards[0], want, SourceId{2}, taken, mib));
}

TEST(Crowd, ASmallOneIsLeftToItsOwnerForAMomentOnly) {
    const TimePoint born(100s);
    auto boards = crowd(3, 100'000, born);
    int owners = 0, at_work = 0;
    for (auto& board : boards) {
        auto& want = want_of(board);
        EXPECT_TRUE(waits_for_crowd(board, want, born + 10ms, 0.1));
        owners += waits_for_crowd(board, want, born + 50ms, 0.1) ? 0 : 1;
        at_work += waits_for_crowd(board, want, born + 250ms, 0.1) ? 0 : 1;
        EXPECT_FALSE(waits_for_crowd(board, want, born + 350ms, 0.1));
        want.crowd.fetching[SourceId{1}] = born + 40ms;  // the first of them says it is at work
        EXPECT_TRUE(board.sources.count(SourceId{1}) == 0 || waits_for_crowd(board, want, born + 250ms, 0.1));
        EXPECT_FALSE(waits_for_crowd(board, want, born + 1s, 0.1));
    }
    EXPECT_EQ(owners, 1);
    EXPECT_EQ(at_work, 2) << "the next in order, not all at once";
}

TEST(Crowd, OfManyThoseInTurnAreGivenASmallOneAndWithEachWhoHasItMore) {
    const TimePoint born(100s);
    auto boards = crowd(100, 1 * mib, born);
    std::vector<std::size_t> in_turn;
    for (const std::size_t holders : {1, 2, 9}) {
        in_turn.push_back(static_cast<std::size_t>(std::count_if(boards.begin(), boards.end(), [&](Board& board) {
            return !waits_its_turn(board, want_of(board), holders, born + 1s, 15);
        })));
    }
    EXPECT_EQ(in_turn, (std::vector<std::size_t>{12, 24, 100}));
    for (auto& board : boards) {
        EXPECT_FALSE(waits_its_turn(board, want_of(board), 0, born + 1s, 15)) << "there is nobody to wait for";
        EXPECT_FALSE(waits_its_turn(board, want_of(board), 1, born + 60s, 100)) << "not for ever";
        want_of(board).streamed = true;
        EXPECT_FALSE(waits_its_turn(board, want_of(board), 1, born + 6s, 100))
            << "a package manager that counts the bytes gives up soon";
    }
}

TEST(Crowd, OfFewerThanManyAllAreGivenItAtOnce) {
    auto boards = crowd(64, 1 * mib, TimePoint(100s));
    for (auto& board : boards) EXPECT_FALSE(waits_its_turn(board, want_of(board), 1, TimePoint(101s), 15));
}

TEST(Crowd, WithoutOneNothingWaits) {
    const TimePoint born(100s);
    auto boards = crowd(3, 100'000, born);
    boards[0].crowd_until = born;
    EXPECT_FALSE(waits_for_crowd(boards[0], want_of(boards[0]), born, 0.1));
    want_of(boards[1]).crowd.company = false;
    EXPECT_FALSE(waits_for_crowd(boards[1], want_of(boards[1]), born, 0.1));
}

}  // namespace
}  // namespace packswarm::plan
