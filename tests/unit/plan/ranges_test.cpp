// Parts of large artifacts from mirrors.
#include "p2p/core/canonical.hpp"
#include "tests/unit/plan/plan_fixture.hpp"

namespace packswarm::plan {
namespace {

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

// Whoever was to bring the last piece has gone, and the mirror would take longer than all that is left should take.
TEST_F(Plan, AsksAMirrorForTheEndOfAFileWhoseTorrentStandsStill) {
    const auto m = mirror(5e6);
    board.sources.at(m).first_byte_s = 0.5;
    const auto id = want(1'081'070, {m});
    auto& w = board.wants.at(id);
    w.swarm.joined = true;
    w.swarm.since = w.swarm.last_piece = now;
    w.done.add({0, limits::mib});
    EXPECT_TRUE(starts_of(decide(), id).empty());
    now += 3000ms;
    EXPECT_EQ(starts_of(decide(), id).size(), 1u);
}

// However much there is to fetch besides: the peers are asked for much of this file already.
TEST_F(Plan, BesideATorrentThatMovesAMirrorHasItsPartOfThatFileOnly) {
    const auto m = mirror(5e6);
    const auto id = want(4 * mib, {m});
    for (int i = 0; i < 10; ++i) board.wants.at(want(20 * mib, {})).is_prefetch = true;
    auto& entry = board.wants.at(id);
    entry.swarm.joined = true;
    entry.swarm.since = entry.swarm.last_piece = now;
    const auto bytes = [&] {
        ByteCount sum = 0;
        for (const auto& start : starts_of(decide(), id)) sum += start.range.length();
        return sum;
    };
    EXPECT_EQ(bytes(), mib) << "two chunks until the peers' rate is known";
    entry.swarm.rate = 15e6;
    EXPECT_EQ(bytes(), mib) << "a quarter, since the peers give thrice as much";
    entry.done.add({0, 4 * mib - 256 * limits::kib});
    EXPECT_EQ(bytes(), 0) << "the peers give that sooner";
    now += 3000ms;
    EXPECT_EQ(bytes(), 256 * limits::kib);
}

TEST_F(Plan, APartIsWholePiecesOfTheTorrent) {
    const auto only = mirror(5e6);
    const auto id = want(80 * mib, {only});
    const auto piece = core::piece_length(80 * mib);
    for (const auto& start : starts_of(decide(), id)) {
        EXPECT_EQ(start.range.begin % piece, 0);
        EXPECT_EQ(start.range.end % piece, 0);
    }
}

TEST_F(Plan, AMirrorThatNobodyMeasuredGetsAShortPartFirst) {
    const auto fresh = mirror(0);
    board.sources.at(fresh).rate_known = false;
    const auto id = want(80 * mib, {fresh});
    for (const auto& start : starts_of(decide(), id)) EXPECT_LE(start.range.length(), tuning::first_chunk);
}

}  // namespace
}  // namespace packswarm::plan
