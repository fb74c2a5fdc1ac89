#include "p2p/core/canonical.hpp"
#include "tests/unit/plan/plan_fixture.hpp"

namespace packswarm::plan {
namespace {

TEST_F(Plan, ANeighbourTakesSmallWorkOverFromTheMirrors) {
    const auto far = mirror(2e6);
    const auto near = peer(Role::lan_peer);
    const auto id = want(100'000, {far}, {near});
    claim(id, far, {0, 100'000}, 0, 20ms);
    const auto decisions = decide();
    ASSERT_EQ(decisions.stops.size(), 1u);
    ASSERT_EQ(decisions.starts.size(), 1u);
    EXPECT_EQ(decisions.starts[0].source, near);
}

TEST_F(Plan, ANeighbourThatHadTheLastArtifactsIsWaitedForAMoment) {
    const auto far = mirror(2e6);
    const auto near = peer(Role::lan_peer);
    const auto small = want(100'000, {far}), large = want(5 * mib, {far});
    board.wants.at(small).crowd.company = board.wants.at(large).crowd.company = true;
    EXPECT_EQ(decide().starts.size(), 3u) << "it has proven nothing yet";
    board.sources.at(near).proven = 1000;
    EXPECT_TRUE(decide().starts.empty());
    board.sources.at(near).missed = 3;
    EXPECT_EQ(decide().starts.size(), 3u);
    board.sources.at(near).missed = 0;
    now += 31ms;
    EXPECT_EQ(decide().starts.size(), 3u);
}

TEST_F(Plan, MirrorsRestWhileANeighboursTorrentIsMuchFaster) {
    const auto far = mirror(2e6);
    const auto near = peer(Role::lan_peer);
    const auto id = want(50 * mib, {far}, {near});
    board.wants.at(id).swarm = {true, true, 50e6, now - 2s, now};
    EXPECT_TRUE(decide().starts.empty());
    board.wants.at(id).swarm.rate = 2e6;  // no faster than the mirror: both are used
    const auto starts = starts_of(decide(), id);
    ASSERT_FALSE(starts.empty());
    EXPECT_EQ(starts[0].range.end, 50 * mib) << "beside a torrent the mirrors take the far end";
}

TEST_F(Plan, AMirrorNobodyMeasuredMayShowItsRateBesideANeighbour) {
    const auto far = mirror(0);
    board.sources.at(far).rate_known = false;
    const auto near = peer(Role::lan_peer);
    const auto id = want(50 * mib, {far}, {near});
    board.wants.at(id).swarm = {true, true, 50e6, now - 2s, now};
    const auto starts = starts_of(decide(), id);
    ASSERT_EQ(starts.size(), 1u) << "one chunk, no more";
    EXPECT_LE(starts[0].range.length(), 256 * limits::kib);
    claim(id, far, starts[0].range, 1000, 100ms);
    const auto later = decide();
    EXPECT_TRUE(later.stops.empty() && starts_of(later, id).empty());
}

// Or it would be begun and stopped again and again.
TEST_F(Plan, WhatBeginsBesideANeighbourIsNotStoppedBecauseOfIt) {
    const auto far = mirror(0);
    board.sources.at(far).rate_known = false;
    const auto near = peer(Role::lan_peer);
    const auto id = want(20 * mib, {far}, {near});
    auto& entry = board.wants.at(id);
    entry.swarm = {true, true, 0, now - 100ms, now};
    entry.done.add({0, 851'968});
    const auto starts = starts_of(decide(), id);
    ASSERT_EQ(starts.size(), 1u);
    claim(id, far, starts[0].range, 0, 1ms);
    EXPECT_TRUE(decide().stops.empty());
}

TEST_F(Plan, AFileThatIsNearlyHereIsNotHeldUpByAProbe) {
    const auto far = mirror(0);
    board.sources.at(far).rate_known = false;
    const auto near = peer(Role::lan_peer);
    const auto id = want(20 * mib, {far}, {near});
    auto& entry = board.wants.at(id);
    entry.swarm = {true, true, 50e6, now - 100ms, now};
    entry.done.add({0, 19 * mib});
    EXPECT_TRUE(decide().starts.empty());
    claim(id, far, {20 * mib - 256 * limits::kib, 20 * mib}, 1000, 100ms);
    EXPECT_TRUE(decide().stops.empty()) << "the neighbour has other bytes to give meanwhile";
    entry.done.add({0, 20 * mib - 256 * limits::kib});
    EXPECT_EQ(decide().stops.size(), 1u) << "now it could give these";
}

TEST_F(Plan, ATorrentThatOthersStarveIsServedByTheNeighbourAllTheSame) {
    const auto far = mirror(2e6);
    const auto near = peer(Role::lan_peer);
    const auto large = want(80 * mib, {far}, {near});
    const auto starved = want(8 * mib, {far}, {near});
    board.wants.at(large).swarm = {true, true, 90e6, now - 2s, now};
    board.wants.at(starved).swarm = {true, true, 3e6, now - 2s, now};
    EXPECT_TRUE(decide().starts.empty());
    board.wants.at(starved).peers = {peer(Role::lan_peer)};  // another neighbour, a slow one
    EXPECT_FALSE(starts_of(decide(), starved).empty());
}

// Else the torrent rests for as long as who lends the last bytes likes to drip.
TEST_F(Plan, WhatIsBorrowedIsLeftToANeighbourThatCouldGiveIt) {
    const auto far = mirror(2e6);
    const auto near = peer(Role::lan_peer), lender = peer(Role::wan_peer);
    const auto id = want(50 * mib, {far}, {near});
    auto& entry = board.wants.at(id);
    entry.swarm = {true, true, 50e6, now - 9s, now};
    entry.crowd.lenders.set(lender, std::vector<bool>(core::piece_count(entry.size), true));
    EXPECT_TRUE(decide().starts.empty());
    entry.done.add({mib, entry.size});
    claim(id, lender, {0, mib}, 512, 1000ms);
    const auto decisions = decide();
    ASSERT_EQ(decisions.stops.size(), 1u);
    EXPECT_TRUE(decisions.starts.empty());
    entry.swarm.last_piece = now - 3s;
    EXPECT_TRUE(decide().stops.empty()) << "the neighbour gives nothing";
}

TEST_F(Plan, MirrorsComeBackWhenANeighbourGoesSilent) {
    const auto far = mirror(2e6);
    const auto near = peer(Role::lan_peer);
    const auto id = want(50 * mib, {far}, {near});
    board.wants.at(id).swarm = {true, true, 50e6, now - 10s, now - 3s};
    EXPECT_FALSE(starts_of(decide(), id).empty());
}

TEST_F(Plan, ANeighbourThatFallsSilentGetsNoMoreWorkAndItsWorkGetsRivals) {
    const auto far = mirror(2e6);
    const auto near = peer(Role::lan_peer);
    const auto stuck = want(100'000, {far}, {near});
    claim(stuck, near, {0, 100'000}, 0, 2000ms, 2000ms);
    const auto fresh = want(100'000, {far}, {near});
    const auto decisions = decide();
    ASSERT_EQ(starts_of(decisions, stuck).size(), 1u);
    EXPECT_EQ(starts_of(decisions, stuck)[0].source, far);
    ASSERT_EQ(starts_of(decisions, fresh).size(), 1u);
    EXPECT_EQ(starts_of(decisions, fresh)[0].source, far);
}

}  // namespace
}  // namespace packswarm::plan
