#include "p2p/plan/suspects.hpp"

#include <gtest/gtest.h>

namespace packswarm::plan {
namespace {

constexpr SourceId a{1}, b{2}, c{3};

std::map<SourceId, Source> three_usable() { return {{a, {}}, {b, {}}, {c, {}}}; }

Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

PieceHash hash_of(unsigned char first) {
    PieceHash out;
    out.bytes[0] = first;
    return out;
}

TEST(Suspects, WhoIsSetBackOrGoneWasCaughtElsewhere) {
    auto sources = three_usable();
    sources[b].usable = false;
    sources.erase(c);
    EXPECT_EQ(caught_elsewhere({{a, 10}, {b, 20}, {c, 30}}, {}, sources), (std::vector{b, c}));
    EXPECT_EQ(caught_elsewhere({{a, 10}, {b, 20}, {c, 30}}, {b}, sources), std::vector{c});
}

TEST(Suspects, ThatAllAreSetBackTellsNothing) {
    auto sources = three_usable();
    for (auto& [id, source] : sources) source.usable = false;
    EXPECT_TRUE(caught_elsewhere({{a, 10}, {b, 20}}, {}, sources).empty());
}

TEST(Suspects, WhoGaveMostIsSuspectedFirstAndNobodyTwice) {
    const Given given{{a, 10}, {b, 30}, {c, 20}};
    EXPECT_EQ(likeliest_liar(given, {}), b);
    EXPECT_EQ(likeliest_liar(given, {b}), c);
    EXPECT_EQ(likeliest_liar(given, {a, b, c}), std::nullopt);
    EXPECT_EQ(likeliest_liar({}, {}), std::nullopt);
}

TEST(Suspects, MirrorsAreTriedAloneInTheOwnersOrder) {
    EXPECT_EQ(next_alone({c, a, b}, {}, {}), c);
    EXPECT_EQ(next_alone({c, a, b}, {c}, {a}), b);
    EXPECT_EQ(next_alone({c, a}, {c}, {a}), std::nullopt);
}

TEST(Suspects, AHeadIsAgreedWhenTwoGaveIt) {
    EXPECT_EQ(agreed_head({{a, bytes_of("right")}}), std::nullopt);
    EXPECT_EQ(agreed_head({{a, bytes_of("right")}, {b, bytes_of("wrong")}}), std::nullopt);
    EXPECT_EQ(agreed_head({{a, bytes_of("right")}, {b, bytes_of("wrong")}, {c, bytes_of("right")}}), bytes_of("right"));
}

TEST(Suspects, ManyPeersAtOneAddressAreOneVoiceAndANeighbourIsTwo) {
    const PieceHashes lie{hash_of(1)}, truth{hash_of(2)};
    EXPECT_EQ(
        most_believed(
            {{lie, "192.0.2.1"}, {lie, "192.0.2.1"}, {lie, "192.0.2.1"}, {truth, "192.0.2.2"}, {truth, "192.0.2.3"}}),
        truth);
    EXPECT_EQ(most_believed({{lie, "192.0.2.1"}, {truth, "10.0.0.1", true}}), truth);
    EXPECT_EQ(most_believed({{lie, "192.0.2.1"}, {lie, "192.0.2.2"}, {lie, "192.0.2.3"}, {truth, "10.0.0.1", true}}),
              lie);
}

TEST(Suspects, ALenderPastHalfOfItsTrustIsComparedNext) {
    Source lender;
    lender.trusted = 4 * limits::mib;
    Want want;
    want.size = 64 * limits::mib;
    EXPECT_FALSE(is_compared_next(lender, want, 2 * limits::mib));
    EXPECT_TRUE(is_compared_next(lender, want, 2 * limits::mib + 1));
}

TEST(Suspects, ThoseThatMirrorsConfirmedLeastAreComparedFirst) {
    EXPECT_EQ(whom_to_compare({c, b, a}, {{a, 2}, {c, 1}}), (std::vector{b, c, a}));
}

TEST(Suspects, EachRoundComparesAnotherPlaceOfWhatNobodyConfirmed) {
    core::RangeSet open;
    open.add({0, 1000});
    open.add({5000, 6000});
    std::set<ByteCount> begins;
    for (int round = 0; round < 6; ++round) {
        const auto part = part_to_compare(open, round, 100);
        ASSERT_TRUE(part) << round;
        EXPECT_TRUE(open.covers(*part)) << round;
        EXPECT_LE(part->length(), 100) << round;
        begins.insert(part->begin);
    }
    EXPECT_EQ(begins.size(), 6u);
    EXPECT_EQ(part_to_compare({}, 0, 100), std::nullopt);
}

TEST(Suspects, APartIsNoLongerThanItsRun) {
    core::RangeSet open;
    open.add({40, 70});
    EXPECT_EQ(part_to_compare(open, 0, 100), (ByteRange{40, 70}));
}

TEST(Suspects, WhosePiecesHaveOtherHashesThanTheTrueOnesLied) {
    const PieceHashes truth{hash_of(1), hash_of(2)};
    EXPECT_EQ(liars({{0, {a, hash_of(1)}}, {1, {b, hash_of(9)}}}, truth), std::set{b});
    EXPECT_TRUE(liars({{7, {a, hash_of(9)}}}, truth).empty());  // no such piece: nothing to say
}

}  // namespace
}  // namespace packswarm::plan
