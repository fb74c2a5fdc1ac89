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

TEST_F(Plan, SplitsALargeFileAmongAllMirrorsWithoutOverlap) {
    std::vector<SourceId> mirrors{mirror(5e6), mirror(2.5e6), mirror(1e6)};
    const auto id = want(100 * mib, mirrors);
    const auto starts = starts_of(decide(), id);
    std::map<SourceId, ByteCount> bytes;
    core::RangeSet covered;
    for (const auto& start : starts) {
        EXPECT_FALSE(covered.touches(start.range));
        covered.add(start.range);
        bytes[start.source] += start.range.length();
    }
    ASSERT_EQ(bytes.size(), 3u);
    EXPECT_GT(bytes[mirrors[0]], bytes[mirrors[1]]);
    EXPECT_GT(bytes[mirrors[1]], bytes[mirrors[2]]);
    EXPECT_EQ(covered.prefix(), covered.total()) << "the near end first, so that a prefix grows";
}

TEST_F(Plan, BeginsLittleBehindTheFirstFileUntilADigestHasVouchedForTheMirror) {
    const auto only = mirror(5e6);
    const auto first = want(2 * mib, {only}), second = want(40 * mib, {only}), third = want(40 * mib, {only});
    claim(first, only, {0, 2 * mib}, mib);
    const auto behind = [&] {
        ByteCount sum = 0;
        for (const auto& start : decide().starts) sum += start.range.length();
        return sum;
    };
    EXPECT_GT(behind(), 0);
    EXPECT_LE(behind(), 2 * mib);
    board.wants.at(second).given[only] = 2 * mib;
    EXPECT_EQ(behind(), 0) << "it has given enough that nobody vouches for";
    board.sources.at(only).proven = 4 * mib;
    EXPECT_GT(behind(), 2 * mib);
    board.sources.at(only).proven = 0;
    now += 1s;
    EXPECT_EQ(behind(), 0) << "nothing grows, but not for long yet";
    board.wants.at(second).grown = now;
    EXPECT_GT(behind(), 2 * mib)
        << "the first file does not grow any more, the second does: nobody waits for the first";
    board.wants.at(second).grown = {};
    now += 3s;
    EXPECT_GT(behind(), 2 * mib);
    board.wants.erase(first);
    EXPECT_FALSE(starts_of(decide(), third).empty()) << "what was given to the file that is first now counts no longer";
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

// What is left would be here sooner if its round trip were not: it is, and who drips must not get it piece by piece.
TEST_F(Plan, TheFastestMirrorLeavesTheEndToNobody) {
    const auto far = mirror(5e6, 0.4), farther = mirror(1e6, 0.6);
    const auto id = want(4 * mib, {far, farther});
    board.wants.at(id).done.add({0, 7 * mib / 2});
    claim(id, farther, {7 * mib / 2, 15 * mib / 4}, 1'000);
    const auto starts = starts_of(decide(), id);
    ASSERT_FALSE(starts.empty());
    EXPECT_EQ(starts[0].source, far);
    EXPECT_EQ(starts[0].range.begin, 15 * mib / 4);
}

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

TEST_F(Plan, AsksSetBackMirrorsWhenNoOtherIsLeft) {
    const auto back = mirror(1e6);
    board.sources.at(back).usable = false;
    want(50'000, {back});
    EXPECT_EQ(decide().starts.size(), 1u);
}

TEST_F(Plan, GivesUpOnlyWhenNobodyIsLeftAndPeersHadTheirTime) {
    const auto only = mirror(1e6);
    const auto id = want(50'000, {only});
    board.wants.at(id).barred.insert(only);
    board.peer_grace = 1500ms;
    EXPECT_TRUE(decide().give_ups.empty());
    now += 2s;
    EXPECT_EQ(decide().give_ups, (std::vector<WantId>{id}));
}

TEST_F(Plan, LeavesAMirrorWithoutRangesWholeFilesOnly) {
    const auto whole = mirror(5e6);
    board.sources.at(whole).ranges = false;
    const auto id = want(20 * mib, {whole});
    const auto starts = starts_of(decide(), id);
    ASSERT_EQ(starts.size(), 1u);
    EXPECT_EQ(starts[0].range, (ByteRange{0, 20 * mib}));
}

TEST_F(Plan, AMirrorWithoutRangesBeginsAgainWithWhatIsMissingWhateverIsHere) {
    const auto only = mirror(5e6);
    board.sources.at(only).ranges = false;
    const auto id = want(20 * mib, {only});
    board.wants.at(id).done.add({0, 5 * mib});
    board.wants.at(id).done.add({15 * mib, 20 * mib});
    const auto starts = starts_of(decide(), id);
    ASSERT_EQ(starts.size(), 1u);
    EXPECT_EQ(starts[0].range, (ByteRange{0, 15 * mib})) << "the end is here already";
    claim(id, only, {0, 15 * mib});
    EXPECT_TRUE(starts_of(decide(), id).empty()) << "once is enough";
}

TEST_F(Plan, OfTwoMirrorsWithoutRangesOneIsAskedAndTheOtherWhenThatOneFallsSilent) {
    const auto first = mirror(5e6), second = mirror(4e6);
    board.sources.at(first).ranges = board.sources.at(second).ranges = false;
    const auto id = want(20 * mib, {first, second});
    ASSERT_EQ(starts_of(decide(), id).size(), 1u);
    const auto running = claim(id, first, {0, 20 * mib}, 4 * mib, 1000ms);
    EXPECT_TRUE(starts_of(decide(), id).empty());
    board.wants.at(id).claims.at(running).started = now - 100s;
    EXPECT_EQ(starts_of(decide(), id).size(), 1u) << "the other would be there long before";
    auto& silent = board.wants.at(id).claims.at(running);
    silent.started = silent.first_byte = now - 6s;
    silent.last_byte = now - 5s;
    const auto starts = starts_of(decide(), id);
    ASSERT_EQ(starts.size(), 1u);
    EXPECT_EQ(starts[0].source, second);
    EXPECT_EQ(starts[0].range, (ByteRange{0, 20 * mib}));
}

TEST_F(Plan, BesideAMirrorThatGivesPartsOneWithoutRangesIsAskedOnlyWhenItWouldBeThereLongBefore) {
    const auto parts = mirror(4e6), whole = mirror(5e6);
    board.sources.at(whole).ranges = false;
    const auto id = want(20 * mib, {parts, whole});
    board.wants.at(id).done.add({0, mib});
    for (const auto& start : starts_of(decide(), id)) EXPECT_EQ(start.source, parts);
    board.sources.at(parts).rate = 1e5;
    const auto starts = starts_of(decide(), id);
    EXPECT_TRUE(std::any_of(starts.begin(), starts.end(), [&](const Start& start) {
        return start.source == whole && start.range == ByteRange{0, 20 * mib};
    }));
    board.sources.at(parts).usable = false;
    for (const auto& start : starts_of(decide(), id))
        EXPECT_EQ(start.range, (ByteRange{0, 20 * mib})) << "nobody who gives parts is left";
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

// Nothing in the rules waits like that; should something be forgotten all the same, its asker hears of it.
TEST_F(Plan, WhatNobodyIsAtWorkOnForAMinuteFails) {
    const auto only = mirror(1e6, 0.02, 0);
    const auto id = want(20 * mib, {only});
    EXPECT_TRUE(decide().give_ups.empty());
    now += 61s;
    EXPECT_EQ(decide().give_ups, (std::vector<WantId>{id}));
    const auto other = want(20 * mib, {mirror(1e6)});
    claim(other, SourceId{2}, {0, 20 * mib});
    EXPECT_TRUE(decide().give_ups.empty()) << "others are still being fetched";
}

// A discrete run of the planner alone: three mirrors of 5, 2.5 and 1 MB/s must end within 10 % of the fluid bound.
TEST_F(Plan, EndsNearTheFluidBoundWithUnequalMirrors) {
    const std::vector<double> rates{5e6, 2.5e6, 1e6};
    std::vector<SourceId> mirrors;
    for (const double rate : rates) mirrors.push_back(mirror(rate, 0.05));
    const auto id = want(80 * mib, mirrors);
    std::uint64_t next = 1;
    const TimePoint begun = now;
    auto& w = board.wants.at(id);
    while (w.done.total() < w.size && seconds_between(begun, now) < 60) {
        const auto decisions = decide();
        for (const auto& cut : decisions.shortens) w.claims.at(cut.claim).range.end = cut.end;
        for (const auto& start : decisions.starts) {
            w.claims[ClaimId{next++}] = {start.source, start.range, 0, now, now, now, start.purpose};
            ++board.sources.at(start.source).busy;
        }
        now += 20ms;
        std::vector<ClaimId> ended;
        for (auto& [claim_id, c] : w.claims) {
            if (seconds_between(c.started, now) < 0.05) continue;  // the first byte takes its time
            const auto index = static_cast<std::size_t>(c.source) - 1;
            const auto step =
                static_cast<ByteCount>(rates[index] * 0.02 / std::max(1, board.sources.at(c.source).busy));
            const ByteCount take = std::min(step, c.left());
            w.done.add({c.next(), c.next() + take});
            c.received += take;
            c.last_byte = now;
            if (c.left() == 0) ended.push_back(claim_id);
        }
        for (const auto claim_id : ended) {
            --board.sources.at(w.claims.at(claim_id).source).busy;
            w.claims.erase(claim_id);
        }
    }
    const double bound = 80.0 * static_cast<double>(mib) / 8.5e6;
    EXPECT_LE(seconds_between(begun, now) / bound, 1.10);
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

}  // namespace
}  // namespace packswarm::plan
