// What is fetched a second time to compare, and torrents to take part in.
#include "p2p/core/canonical.hpp"
#include "tests/unit/plan/plan_fixture.hpp"

namespace packswarm::plan {
namespace {

TEST_F(Plan, AsksEachMirrorForTheHeadOnce) {
    const auto slow = mirror(1e4), other = mirror(1e6);
    const auto id = want(4 * mib, {slow, other});
    board.wants.at(id).head_agreed = false;
    claim(id, slow, {0, mib}, 8'000);
    const auto checks = [&] {
        const auto starts = starts_of(decide(), id);
        return std::count_if(starts.begin(), starts.end(),
                             [](const Start& start) { return start.purpose == Purpose::check; });
    };
    EXPECT_EQ(checks(), 1);
    board.wants.at(id).heads.insert(other);  // the slow one's is still on its way
    EXPECT_EQ(checks(), 0);
}

TEST_F(Plan, AsksForTheHeadOfASmallFileOnlyWhenSomebodyTakesItBeforeItsEnd) {
    const auto first = mirror(1e6), other = mirror(1e6);
    const auto id = want(400'000, {first, other});
    board.wants.at(id).head_agreed = false;
    board.wants.at(id).created = now - 21s;
    claim(id, first, {0, 400'000}, 399'000, 21s);
    EXPECT_TRUE(starts_of(decide(), id).empty());
    board.wants.at(id).streamed = true;
    EXPECT_EQ(starts_of(decide(), id).size(), 1u);
}

// Somebody's short last piece that is compared is no head.
TEST_F(Plan, AsksForTheHeadWhileAShortPieceIsCompared) {
    const auto first = mirror(1e6), other = mirror(1e6);
    const auto id = want(4 * mib + 1'000, {first, other});
    board.wants.at(id).head_agreed = false;
    claim(id, first, {0, mib}, 20'000);
    const auto trial = claim(id, other, {4 * mib, 4 * mib + 1'000});
    board.wants.at(id).claims.at(trial).purpose = Purpose::check;
    const auto starts = starts_of(decide(), id);
    EXPECT_TRUE(std::any_of(starts.begin(), starts.end(), [](const Start& start) {
        return start.purpose == Purpose::check && start.range.begin == 0;
    }));
}

TEST_F(Plan, ComparesTheHeadOfALargeFileBetweenTwoMirrors) {
    const auto first = mirror(5e6), second = mirror(1e6);
    const auto id = want(20 * mib, {first, second});
    board.wants.at(id).head_agreed = false;
    claim(id, first, {0, 4 * mib}, 1000, 100ms);
    bool checked = false;
    for (const auto& start : decide().starts)
        if (start.purpose == Purpose::check) {
            checked = true;
            EXPECT_EQ(start.source, second);
            EXPECT_EQ(start.range, (ByteRange{0, tuning::head_bytes}));
        }
    EXPECT_TRUE(checked);
}

TEST_F(Plan, TheHeadIsComparedWithAMirrorWithoutRangesWhenNoOtherIsThere) {
    const auto first = mirror(1e6), second = mirror(1e6);
    board.sources.at(second).ranges = false;
    const auto id = want(20 * mib, {first, second});
    board.wants.at(id).head_agreed = false;
    claim(id, first, {0, 20 * mib}, mib, 1000ms);
    const auto checked_by = [&] {
        const auto starts = starts_of(decide(), id);
        const auto check = std::find_if(starts.begin(), starts.end(),
                                        [](const Start& start) { return start.purpose == Purpose::check; });
        return check == starts.end() ? SourceId{} : check->source;
    };
    EXPECT_EQ(checked_by(), second);
    const auto third = mirror(1e5);
    board.wants.at(id).mirrors.push_back(third);
    EXPECT_EQ(checked_by(), third) << "it sends no more than that";
}

TEST_F(Plan, TheHeadIsAskedOfAThirdMirrorWhenTheSecondIsLateWithIt) {
    const auto first = mirror(1e6), slow = mirror(1e5), third = mirror(5e5);
    const auto id = want(20 * mib, {first, slow, third});
    board.wants.at(id).head_agreed = false;
    claim(id, first, {0, 1 * mib}, 100'000, 1s);
    const auto checks = [this, id] {
        std::vector<SourceId> out;
        for (const auto& start : starts_of(decide(), id))
            if (start.purpose == Purpose::check) out.push_back(start.source);
        return out;
    };
    EXPECT_EQ(checks(), std::vector{third}) << "who would answer soonest";
    const auto check = claim(id, third, {0, tuning::head_bytes}, 0, 1s);
    board.wants.at(id).claims.at(check).purpose = Purpose::check;
    EXPECT_TRUE(checks().empty());
    board.wants.at(id).claims.at(check).started = now - 3s;
    EXPECT_EQ(checks(), std::vector{slow});
}

TEST_F(Plan, JoinsTheTorrentOfALargeFileThatPeersOffer) {
    const auto far = mirror(2e6);
    const auto id = want(10 * mib, {far}, {peer(Role::wan_peer)});
    EXPECT_TRUE(decide().joins.empty()) << "there is nothing yet that a stranger's piece hashes can be held against";
    board.wants.at(id).done.add({3 * core::piece_length(10 * mib), 4 * core::piece_length(10 * mib)});
    EXPECT_EQ(decide().joins, (std::vector<WantId>{id}));
    board.wants.at(id).swarm.joined = true;
    EXPECT_TRUE(decide().joins.empty());
}

TEST_F(Plan, StrangersPieceHashesAreTriedWithOneFileFirst) {
    const auto only = mirror(2e6), stranger = peer(Role::wan_peer);
    for (const auto id : {want(20 * mib, {only}, {stranger}), want(20 * mib, {only}, {stranger})})
        board.wants.at(id).done.add({0, mib});
    EXPECT_EQ(decide().joins.size(), 1u);
    board.sources.at(stranger).proven = mib;
    EXPECT_EQ(decide().joins.size(), 2u);
    board.sources.at(stranger).proven = 0;
    board.sources.at(only).usable = false;
    EXPECT_EQ(decide().joins.size(), 2u) << "nobody else is left";
}

TEST_F(Plan, OneMirrorAloneIsAskedForNoHead) {
    const auto only = mirror(5e6);
    const auto id = want(20 * mib, {only});
    board.wants.at(id).head_agreed = false;
    claim(id, only, {0, 4 * mib}, 1000, 100ms);
    for (const auto& start : decide().starts) EXPECT_NE(start.purpose, Purpose::check);
}

}  // namespace
}  // namespace packswarm::plan
