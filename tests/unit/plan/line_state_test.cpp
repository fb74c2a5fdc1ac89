// What is begun on a line that is full already, and what is not.
#include "p2p/plan/line_state.hpp"

#include "tests/unit/plan/plan_fixture.hpp"

namespace packswarm::plan {
namespace {

constexpr ByteCount kb = 1000;

class PlanOwnLine : public Plan {
  protected:
    PlanOwnLine() : a(mirror(60e3)), b(mirror(60e3)) {}
    void full_line() {
        board.line.note(6, 120e3, now);
        board.line.note(2, 120e3, now);
    }
    // Both mirrors have work for eight seconds.
    void work() {
        for (const auto by : {a, b}) claim(want(500 * kb, {a, b}), by, {0, 500 * kb}, 20 * kb, 500ms, 50ms);
    }
    WantId streamed(ByteCount size, std::vector<SourceId> mirrors) {
        const auto id = want(size, std::move(mirrors));
        board.wants.at(id).streamed = true;
        board.wants.at(id).head_agreed = board.wants.at(id).mirrors.size() < 2;
        return id;
    }
    const SourceId a, b;
};

TEST_F(PlanOwnLine, BeginsNothingThatWouldOnlyWaitInTheSameQueue) {
    full_line();
    work();
    for (int i = 0; i < 5; ++i) want(300 * kb, {a, b});
    EXPECT_TRUE(decide().starts.empty());
}

TEST_F(PlanOwnLine, BeginsTheNextBeforeTheLineRunsDry) {
    full_line();
    for (const auto by : {a, b}) claim(want(500 * kb, {a, b}), by, {0, 500 * kb}, 300 * kb, 5s, 50ms);
    want(100 * kb, {a, b});
    EXPECT_EQ(decide().starts.size(), 1u);
}

TEST_F(PlanOwnLine, UsesAllPlacesWhereMoreAtOnceBringMore) {
    for (int number = 2; number <= 4; ++number) board.line.note(number, 30e3 * number, now);
    work();
    for (int i = 0; i < 10; ++i) want(300 * kb, {a, b});
    EXPECT_GE(decide().starts.size(), 4u);
}

TEST_F(PlanOwnLine, TriesOneMoreThanItHasSeen) {
    board.line.note(2, 120e3, now);
    work();
    for (int i = 0; i < 5; ++i) want(300 * kb, {a, b});
    EXPECT_EQ(decide().starts.size(), 1u);
}

TEST_F(PlanOwnLine, WhatNobodyWaitsForDoesNotTryTheLine) {
    board.line.note(2, 120e3, now);
    work();
    board.wants.at(want(300 * kb, {a, b})).is_prefetch = true;
    EXPECT_TRUE(decide().starts.empty());
}

TEST_F(PlanOwnLine, WhatNobodyWaitsForBeginsWhenTheLineIsKnown) {
    claim(want(50 * kb, {a, b}), a, {0, 50 * kb});
    board.wants.at(want(300 * kb, {a, b})).is_prefetch = true;
    EXPECT_TRUE(decide().starts.empty());
    board.line.note(1, 60e3, now);
    EXPECT_EQ(decide().starts.size(), 1u);
}

TEST_F(PlanOwnLine, ALargeFileThatIsWaitedForIsBegunWithItsHeadAlone) {
    full_line();
    work();
    const auto id = streamed(8 * mib, {a, b});
    const auto starts = starts_of(decide(), id);
    ASSERT_EQ(starts.size(), 1u);
    EXPECT_EQ(starts[0].range, (ByteRange{0, tuning::head_bytes}));
}

TEST_F(PlanOwnLine, NoSmallFilesHeadIsComparedBeforeItsAskerHasWaitedForLong) {
    full_line();
    work();
    const auto id = streamed(300 * kb, {a, b});
    board.wants.at(id).created = now - 15s;
    EXPECT_TRUE(starts_of(decide(), id).empty());
    board.wants.at(id).created = now - 21s;
    const auto starts = starts_of(decide(), id);
    ASSERT_EQ(starts.size(), 1u);
    EXPECT_EQ(starts[0].range, (ByteRange{0, head_length(300 * kb)}));
    EXPECT_EQ(starts[0].purpose, Purpose::check);
}

TEST_F(PlanOwnLine, WhatOnlyOneMirrorHasIsBegunAfterAWhileWhateverItHasInHand) {
    full_line();
    work();
    const auto id = streamed(300 * kb, {a});
    board.wants.at(id).created = now - 15s;
    EXPECT_TRUE(starts_of(decide(), id).empty());
    board.wants.at(id).created = now - 21s;
    EXPECT_EQ(starts_of(decide(), id).size(), 1u);
}

TEST_F(PlanOwnLine, ASlowFileIsNotAskedForASecondTimeWhereTheOtherMirrorIsAsBusy) {
    full_line();
    const auto id = want(900 * kb, {a, b});
    claim(id, a, {0, 900 * kb}, 10 * kb, 30s, 50ms);
    claim(want(900 * kb, {a, b}), b, {0, 900 * kb}, 10 * kb, 500ms, 50ms);
    EXPECT_TRUE(starts_of(decide(), id).empty());
}

// 300 kB/s in all: each transfer has its share, and its silence is no queue's.
TEST_F(PlanOwnLine, WhatComesAsFastAsItEverDidIsNotTakenOverWhileThereIsWorkForLong) {
    for (const auto by : {a, b}) board.sources.at(by).rate = 150e3;
    const auto id = want(9 * mib, {a, b});
    claim(id, a, {0, 9 * mib}, 160 * kb, 4s, 50ms);
    EXPECT_FALSE(decide().shortens.empty()) << "nobody knows the line";
    claim(want(9 * mib, {a, b}), b, {0, 9 * mib}, 160 * kb, 4s, 50ms);
    board.line.note(2, 300e3, now);
    board.line.note(4, 300e3, now);
    EXPECT_TRUE(decide().shortens.empty());
    board.line.note(2, 60e3, now);
    board.line.note(2, 60e3, now);
    board.line.note(2, 60e3, now);
    EXPECT_FALSE(decide().shortens.empty()) << "much less comes than the line carries";
}

TEST_F(PlanOwnLine, WhoDripsIsNoFullLine) {
    board.sources.at(b).rate = 3e6;
    board.sources.at(b).rate_known = true;
    board.line.note(2, 200, now);
    const auto id = want(100 * kb, {a, b});
    claim(id, a, {0, 100 * kb}, 2 * kb, 20s, 50ms);
    claim(want(100 * kb, {a}), a, {0, 100 * kb}, 2 * kb, 20s, 50ms);
    EXPECT_EQ(starts_of(decide(), id).size(), 1u) << "the other one gave three megabytes a second";
}

TEST_F(PlanOwnLine, WhoDripsIsNoFullLineBesideAMirrorThatNobodyHasMeasured) {
    board.sources.at(a).rate_known = board.sources.at(b).rate_known = false;
    board.sources.at(b).rate = 0;
    board.line.note(1, 4e3, now);
    const auto id = want(3 * mib, {a, b});
    claim(id, a, {0, 3 * mib}, 80 * kb, 20s, 50ms);
    board.wants.at(id).given[a] = 80 * kb;
    EXPECT_FALSE(decide().shortens.empty());
}

TEST_F(PlanOwnLine, OnASlowLineSilenceOfSomeSecondsIsNoStall) {
    board.line.note(2, 100e3, now);
    const auto id = want(400 * kb, {a, b});
    claim(id, a, {0, 400 * kb}, 40 * kb, 6s, 4s);
    claim(want(400 * kb, {a, b}), b, {0, 400 * kb}, 40 * kb, 6s, 50ms);
    board.wants.at(id).grown = board.delivered = now;
    EXPECT_TRUE(starts_of(decide(), id).empty());
    board.wants.at(id).claims.begin()->second.last_byte = now - 6s;
    EXPECT_EQ(starts_of(decide(), id).size(), 1u) << "more than a queue's";
}

TEST_F(PlanOwnLine, AMirrorThatNobodyHasMeasuredGetsLittleAtFirst) {
    board.sources.at(a).rate_known = false;
    for (const double rate : {0.0, 80e3}) {  // the second: a lower bound, from something small
        board.sources.at(a).rate = rate;
        board.wants.clear();
        for (int i = 0; i < 5; ++i) want(400 * kb, {a});
        EXPECT_EQ(decide().starts.size(), 2u) << rate;
    }
}

TEST_F(PlanOwnLine, WhereAllComeOverOneLineTheOtherMirrorWaitsAsWell) {
    full_line();
    for (const auto by : {a, b}) board.sources.at(by).peak.note(110e3, now);
    claim(want(900 * kb, {a, b}), a, {0, 900 * kb}, 10 * kb, 500ms, 50ms);
    const auto id = want(900 * kb, {a, b});
    EXPECT_TRUE(decide().starts.empty());
    board.wants.begin()->second.claims.begin()->second.received = 700 * kb;
    EXPECT_EQ(starts_of(decide(), id).size(), 1u);
}

TEST_F(PlanOwnLine, NothingIsTakenOverOnALineThatIsFull) {
    full_line();
    const auto id = want(3 * mib, {a, b});
    claim(id, a, {0, 3 * mib}, 160 * kb, 4s, 50ms);
    board.wants.at(id).given[a] = 160 * kb;
    EXPECT_FALSE(decide().shortens.empty()) << "each mirror has a line of its own";
    for (const auto by : {a, b}) board.sources.at(by).peak.note(110e3, now);
    EXPECT_TRUE(decide().shortens.empty());
    board.wants.at(id).claims.begin()->second.last_byte = now - 4s;
    board.wants.at(id).grown = board.delivered = now;
    EXPECT_TRUE(decide().starts.empty()) << "others have their turn on the line";
    board.wants.at(id).grown = board.delivered = now - 2s;
    EXPECT_FALSE(decide().starts.empty()) << "nobody has";
}

// As after the first seconds of a slow line: nobody knows yet what more at once would bring.
TEST_F(PlanOwnLine, NothingIsTakenOverWhereAnotherCouldBringNoMore) {
    const auto id = want(3 * mib, {a, b});
    claim(id, a, {0, 3 * mib}, 100 * kb, 4s, 50ms);
    board.wants.at(id).given[a] = 100 * kb;
    board.line.note(1, 120e3, now);
    for (const auto by : {a, b}) board.sources.at(by).peak.note(110e3, now);
    EXPECT_TRUE(decide().shortens.empty());
    for (int i = 0; i < 3; ++i) board.sources.at(a).peak.note(30e3, now);
    EXPECT_FALSE(decide().shortens.empty()) << "most of the line lies idle";
}

TEST_F(PlanOwnLine, AnswersThatComeLateTellThatAllWaitInOneQueue) {
    board.line.note(1, 120e3, now);
    claim(want(900 * kb, {a, b}), a, {0, 900 * kb}, 10 * kb, 500ms, 50ms);
    want(900 * kb, {a, b});
    for (const double first_byte_s : {0.02, 0.6, 0.5}) {
        EXPECT_EQ(decide().starts.size(), 1u) << "one more than was seen";
        board.sources.at(a).delay.note(first_byte_s, now);
    }
    EXPECT_TRUE(decide().starts.empty());
    now += 20s;
    board.line.note(1, 120e3, now);
    EXPECT_EQ(decide().starts.size(), 1u) << "that was long ago";
}

TEST_F(PlanOwnLine, WhileAnAnswerIsWaitedForNothingIsTriedBeside) {
    board.line.note(2, 120e3, now);
    work();
    claim(want(300 * kb, {a, b}), a, {0, 300 * kb}, 0, 1200ms, 1200ms);
    want(300 * kb, {a, b});
    EXPECT_TRUE(decide().starts.empty());
}

TEST_F(PlanOwnLine, OneAfterTheOtherIsTriedThoughMoreSeemToBringMore) {
    board.line.note(1, 60e3, now);
    board.line.note(2, 110e3, now);
    work();
    for (int i = 0; i < 10; ++i) want(300 * kb, {a, b});
    EXPECT_EQ(decide().starts.size(), 1u);
}

TEST_F(PlanOwnLine, OfTwoThatGiveTheSameSmallFileOnASlowLineWhoIsFurtherGoesOnAlone) {
    const auto id = want(900 * kb, {a, b});
    const auto late = claim(id, a, {0, 900 * kb}, 500 * kb, 20s, 100ms);
    const auto hedge = claim(id, b, {0, 900 * kb}, 100 * kb, 2s, 100ms);
    board.wants.at(id).claims.at(hedge).purpose = Purpose::hedge;
    board.sources.at(a).rate = board.sources.at(b).rate = 60e6;
    EXPECT_TRUE(decide().stops.empty()) << "no line holds them up";
    board.sources.at(a).rate = board.sources.at(b).rate = 60e3;
    full_line();
    auto stops = decide().stops;
    ASSERT_EQ(stops.size(), 1u);
    EXPECT_EQ(stops[0].claim, hedge);
    board.wants.at(id).claims.at(late).last_byte = now - 3s;
    EXPECT_TRUE(decide().stops.empty()) << "it is silent still";
}

TEST_F(PlanOwnLine, ASmallFileIsBegunAnewOnlyAfterTheTimeThatThisWouldTake) {
    board.line.note(1, 120e3, now);
    const auto id = want(480 * kb, {a, b});
    claim(id, a, {0, 480 * kb}, 400 * kb, 20s, 3s);
    board.wants.at(id).grown = now - 3s;
    EXPECT_TRUE(starts_of(decide(), id).empty());
    board.wants.at(id).claims.begin()->second.last_byte = now - 5s;
    EXPECT_EQ(starts_of(decide(), id).size(), 1u);
    board.wants.at(id).claims.begin()->second.last_byte = now - 3s;
    board.line.note(1, 2e6, now);
    EXPECT_EQ(starts_of(decide(), id).size(), 1u) << "it takes a quarter of a second";
}

TEST_F(PlanOwnLine, AnIdleMirrorIsUsedBesideABusyOne) {
    full_line();
    claim(want(900 * kb, {a, b}), a, {0, 900 * kb}, 10 * kb, 500ms, 50ms);
    const auto id = want(900 * kb, {a, b});
    const auto starts = starts_of(decide(), id);
    ASSERT_EQ(starts.size(), 1u);
    EXPECT_EQ(starts[0].source, b);
}

TEST_F(Plan, OfALineThatNobodyMeasuredNothingIsKnown) {
    mirror(1e6);
    const LineState line(board, now);
    EXPECT_FALSE(line.is_measured());
    EXPECT_FALSE(line.is_shared());
    EXPECT_FALSE(line.is_full());
    EXPECT_FALSE(line.is_slow());
    EXPECT_EQ(line.seconds_for(mib), 0);
    EXPECT_EQ(line.room(), 1e6) << "as much as the fastest mirror brings";
    EXPECT_FALSE(line.is_enough(0)) << "nothing in hand is never enough";
}

TEST_F(PlanOwnLine, ASharedLineIsDividedAmongThoseInFlight) {
    full_line();
    work();
    const LineState line(board, now);
    EXPECT_TRUE(line.is_measured());
    EXPECT_FALSE(line.grows());
    EXPECT_DOUBLE_EQ(line.share(), board.line.peak(now) / 2);
    EXPECT_FALSE(line.takes_one_more(3)) << "more at once do not bring more";
}

TEST_F(Plan, WhileAnAnswerIsLateNoOtherIsTried) {
    const auto only = mirror(1e6);
    board.line.note(4, 1e6, now);
    const auto id = want(100'000, {only});
    claim(id, only, {0, 100'000}, 0, 900ms);
    EXPECT_TRUE(LineState(board, now).takes_one_more(2));
    now += 200ms;
    EXPECT_FALSE(LineState(board, now).takes_one_more(2));
}

}  // namespace
}  // namespace packswarm::plan
