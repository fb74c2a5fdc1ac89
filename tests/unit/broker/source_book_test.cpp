#include "p2p/broker/source_book.hpp"

#include <gtest/gtest.h>

#include "tests/support/test_loop.hpp"

namespace packswarm::broker {
namespace {

class NoLedger final : public Ledger {
  public:
    std::vector<Floor> floors() override { return {}; }
    void raise_floors(std::vector<Floor>, Then<void> then) override { then({}); }
    std::vector<std::pair<std::string, core::MirrorHealth>> mirror_health() override { return {}; }
    void save_mirror_health(const std::string&, const core::MirrorHealth&) override {}
    void record(const TransferRecord&) override {}
};

class SourceBookTest : public ::testing::Test {
  protected:
    void answer(plan::SourceId source, ByteCount bytes) {
        book.claim_started(source);
        book.received(source, bytes);
        window();
        book.claim_ended(source);
    }
    void window() {
        loop.advance(Millis(250));
        book.sample(loop.now());
    }
    test::FakeLoop loop;
    NoLedger ledger;
    plan::Board board;
    SourceBook book{loop, ledger, board};
};

// Or a mirror that gave one small file would count as slow, and nobody would ask it beside one that drips.
TEST_F(SourceBookTest, ASmallAnswerSaysNothingOfAMirrorsRate) {
    const auto mirror = book.mirror("http://m0");
    answer(mirror, 2'000);
    EXPECT_EQ(board.sources.at(mirror).rate, 0);
    answer(mirror, 1'000'000);
    EXPECT_GT(board.sources.at(mirror).rate, 3e6) << "it can do as much at least";
}

TEST_F(SourceBookTest, AMirrorThatHadWorkAllTheTimeIsAsSlowAsItWas) {
    const auto mirror = book.mirror("http://m0");
    book.claim_started(mirror);
    window();
    book.received(mirror, 2'000);
    window();
    EXPECT_NEAR(board.sources.at(mirror).rate, 8'000, 1);
}

// Two mirrors over one line of 100 KB/s: whoever works alone has all of it.
TEST_F(SourceBookTest, TellsWhatTheLineCarriesFromWhatEachMirrorCan) {
    const auto a = book.mirror("http://a"), b = book.mirror("http://b");
    const auto second = [&](ByteCount from_a, ByteCount from_b) {
        for (int i = 0; i < 10; ++i) {
            book.received(a, from_a / 10);
            book.received(b, from_b / 10);
            loop.advance(Millis(100));
            book.sample(loop.now());
        }
    };
    second(100'000, 0);
    EXPECT_FALSE(board.line.is_measured(loop.now())) << "nothing was asked for";
    book.claim_started(a);
    second(0, 0);
    for (int i = 0; i < 5; ++i) second(100'000, 0);
    for (int i = 0; i < 3; ++i) book.claim_started(b);
    for (int i = 0; i < 5; ++i) second(20'000, 80'000);
    EXPECT_EQ(board.line.most_measured(loop.now()), 4);
    ASSERT_TRUE(board.line.growth(loop.now()));
    EXPECT_NEAR(*board.line.growth(loop.now()), 0, 0.2);
    EXPECT_NEAR(board.line.peak(loop.now()), 1e5, 1e4);
    EXPECT_NEAR(board.sources.at(a).peak.value(loop.now()), 1e5, 1e4);
    EXPECT_NEAR(board.sources.at(b).peak.value(loop.now()), 8e4, 1e4);
}

TEST_F(SourceBookTest, TheFirstSecondsAfterAPauseSayNothingOfWhatOneMoreWouldBring) {
    const auto mirror = book.mirror("http://a");
    const auto second = [&](ByteCount bytes) {
        book.received(mirror, bytes);
        loop.advance(Millis(1000));
        book.sample(loop.now());
    };
    for (int turn = 0; turn < 2; ++turn) {
        book.claim_started(mirror);
        second(40'000);
        second(60'000);
        EXPECT_GT(board.line.peak(loop.now()), 0);
        EXPECT_EQ(board.line.is_measured(loop.now()), false) << turn;
        second(100'000);
        EXPECT_TRUE(board.line.is_measured(loop.now()));
        book.claim_ended(mirror);
        for (int i = 0; i < 31; ++i) second(0);
    }
}

TEST_F(SourceBookTest, WhatANeighbourGivesSaysNothingOfTheLine) {
    PeerView view;
    view.id = PeerId{7};
    view.reach = Reach::lan;
    const auto neighbour = book.peer(view);
    book.claim_started(neighbour);
    for (int i = 0; i < 30; ++i) {
        book.received(neighbour, 100'000);
        loop.advance(Millis(100));
        book.sample(loop.now());
    }
    EXPECT_FALSE(board.line.is_measured(loop.now()));
}

}  // namespace
}  // namespace packswarm::broker
