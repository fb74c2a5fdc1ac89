// Small artifacts, each whole from one source.
#include "tests/unit/plan/plan_fixture.hpp"

namespace packswarm::plan {
namespace {

TEST_F(Plan, StartsMirrorsAtOnceWhenNoPeerHasTheFile) {
    const auto fast = mirror(5e6), slow = mirror(1e6);
    const auto id = want(100'000, {slow, fast});
    const auto decisions = decide();
    ASSERT_EQ(decisions.starts.size(), 1u);
    EXPECT_EQ(decisions.starts[0].source, fast);
    EXPECT_EQ(decisions.starts[0].range, (ByteRange{0, 100'000}));
    EXPECT_EQ(decisions.starts[0].want, id);
}

TEST_F(Plan, NeverStartsMoreThanAMirrorsSlots) {
    const auto only = mirror(1e6, 0.02, 3);
    for (int i = 0; i < 10; ++i) want(50'000, {only});
    EXPECT_EQ(decide().starts.size(), 3u);
}

// By its own measured pace it would be in time for minutes.
TEST_F(Plan, HedgesASmallFileThatAPeerLetsDrip) {
    const auto m = mirror(1e6);
    const auto drip = peer(Role::wan_peer, 512);
    const auto id = want(100'000, {m}, {drip});
    claim(id, drip, {0, 100'000}, 1500, 3000ms, 100ms);
    EXPECT_TRUE(starts_of(decide(), id).empty());
    now += 1500ms;
    board.wants.at(id).claims.begin()->second.last_byte = now;
    const auto starts = starts_of(decide(), id);
    ASSERT_EQ(starts.size(), 1u);
    EXPECT_EQ(starts[0].source, m);
    EXPECT_EQ(starts[0].purpose, Purpose::hedge);
}

// It is past its time, but what is left of it comes sooner than another mirror's whole copy.
TEST_F(Plan, DoesNotHedgeASmallFileThatIsNearlyHere) {
    const auto slow = mirror(1e5), fast = mirror(2e6);
    const auto id = want(1'000'000, {slow, fast});
    claim(id, slow, {0, 1'000'000}, 980'000, 9000ms, 10ms);
    EXPECT_TRUE(starts_of(decide(), id).empty());
    board.wants.at(id).claims.begin()->second.received = 500'000;
    EXPECT_EQ(starts_of(decide(), id).size(), 1u);
}

TEST_F(Plan, DoesNotHedgeASmallFileThatEndsLongBeforeEverythingElse) {
    const auto slow = mirror(100e3), fast = mirror(5e6);
    const auto id = want(800'000, {slow, fast});
    claim(id, slow, {0, 800'000}, 400'000, 6s, 10ms);
    EXPECT_EQ(starts_of(decide(), id).size(), 1u) << "nobody waits for anything else";
    board.wants.at(want(100 * mib, {slow, fast})).created = now - 6s;
    EXPECT_TRUE(starts_of(decide(), id).empty());
}

TEST_F(Plan, HedgesASmallFileOnceItsSourceIsPastItsPatience) {
    const auto first = mirror(2e6), second = mirror(2e6);
    const auto id = want(100'000, {first, second});
    claim(id, first, {0, 100'000}, 0, 200ms);
    EXPECT_TRUE(decide().starts.empty());
    board.wants.at(id).claims.begin()->second.started = now - 1s;
    const auto starts = starts_of(decide(), id);
    ASSERT_EQ(starts.size(), 1u);
    EXPECT_EQ(starts[0].source, second);
    EXPECT_EQ(starts[0].purpose, Purpose::hedge);
}

TEST_F(Plan, ASlowSourceIsLeftFreeWhereAFastOneIsSoonerThoughItIsBusy) {
    const auto fast = mirror(10e6, 0.02, 1), slow = mirror(10e3);
    want(100'000, {fast, slow});
    const auto second = want(100'000, {fast, slow});
    const auto decisions = decide();
    ASSERT_EQ(decisions.starts.size(), 1u);
    EXPECT_EQ(decisions.starts[0].source, fast);
    EXPECT_TRUE(starts_of(decisions, second).empty()) << "it would take the slow one ten seconds";
}

TEST_F(Plan, NoMoreThanThreeAreAtWorkOnOneLateFile) {
    std::vector<SourceId> mirrors;
    for (int i = 0; i < 4; ++i) mirrors.push_back(mirror(2e6));
    const auto id = want(100'000, mirrors);
    for (int i = 0; i < 2; ++i) claim(id, mirrors[static_cast<std::size_t>(i)], {0, 100'000}, 0, 10s, 10s);
    EXPECT_EQ(starts_of(decide(), id).size(), 1u);
    claim(id, mirrors[2], {0, 100'000}, 0, 10s, 10s);
    EXPECT_TRUE(starts_of(decide(), id).empty());
}

}  // namespace
}  // namespace packswarm::plan
