// Pieces that other agents lend while they fetch the same file.
#include "p2p/core/canonical.hpp"
#include "tests/unit/plan/plan_fixture.hpp"

namespace packswarm::plan {
namespace {

TEST_F(Plan, AStrangerThatLendsGivesOnePieceUntilAMirrorAgreesWithIt) {
    const auto judge = mirror(2e6), stranger = peer(Role::wan_peer, 5e6);
    const auto id = want(20 * mib, {judge});
    auto& entry = board.wants.at(id);
    entry.crowd.lenders.set(stranger, std::vector<bool>(core::piece_count(entry.size), true));
    const auto by_stranger = [&] {
        ByteCount bytes = 0;
        for (const auto& start : starts_of(decide(), id)) bytes += start.source == stranger ? start.range.length() : 0;
        return bytes;
    };
    EXPECT_EQ(by_stranger(), core::piece_length(entry.size));
    const auto piece = core::piece_range(entry.size, 3);
    entry.done.add(piece);
    entry.given[stranger] = piece.length();
    entry.crowd.trials[stranger] = piece;
    EXPECT_EQ(by_stranger(), 0);
    const auto starts = starts_of(decide(), id);
    EXPECT_TRUE(std::any_of(starts.begin(), starts.end(), [&](const Start& start) {
        return start.source == judge && start.purpose == Purpose::check && start.range == piece;
    }));
    board.sources.at(stranger).trusted = 4 * mib;
    EXPECT_EQ(by_stranger(), 2 * core::piece_length(entry.size));
    board.sources.at(stranger).doubted = true;
    EXPECT_EQ(by_stranger(), 0);
    board.sources.at(stranger) = {Role::wan_peer, 5e6, true, 0.005, 0.3, 0, 32, true, true};
    board.sources.at(judge).usable = false;
    EXPECT_EQ(by_stranger(), 2 * core::piece_length(entry.size)) << "nobody could judge it";
}

TEST_F(Plan, OnlyPiecesThatItLendsAreBorrowedFromALender) {
    const auto lender = peer(Role::wan_peer, 5e6);
    const auto id = want(20 * mib, {});
    auto& entry = board.wants.at(id);
    std::vector<bool> pieces(core::piece_count(entry.size));
    pieces[5] = true;
    entry.crowd.lenders.set(lender, pieces);
    const auto starts = starts_of(decide(), id);
    ASSERT_EQ(starts.size(), 1u);
    EXPECT_EQ(starts[0].range, core::piece_range(entry.size, 5));
    claim(id, lender, starts[0].range);
    EXPECT_TRUE(starts_of(decide(), id).empty()) << "somebody is at work on it";
}

TEST_F(Plan, NothingIsBorrowedFromOneThatFailedForThisFile) {
    const auto lender = peer(Role::wan_peer, 5e6);
    const auto id = want(20 * mib, {});
    auto& entry = board.wants.at(id);
    entry.crowd.lenders.set(lender, std::vector<bool>(core::piece_count(entry.size), true));
    EXPECT_FALSE(starts_of(decide(), id).empty());
    entry.barred.insert(lender);
    EXPECT_TRUE(starts_of(decide(), id).empty());
}

}  // namespace
}  // namespace packswarm::plan
