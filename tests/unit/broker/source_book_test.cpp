#include "p2p/broker/source_book.hpp"

#include <gtest/gtest.h>

#include "tests/support/test_loop.hpp"

namespace packswarm::broker {
namespace {

class NoLedger final : public Ledger {
  public:
    std::vector<Floor> floors() override { return {}; }
    Result<void> raise_floor(const Floor&) override { return {}; }
    std::vector<std::pair<std::string, core::MirrorHealth>> mirror_health() override { return {}; }
    void save_mirror_health(const std::string&, const core::MirrorHealth&) override {}
    void record(const TransferRecord&) override {}
};

class SourceBookTest : public ::testing::Test {
  protected:
    void answer(core::SourceId source, ByteCount bytes) {
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
    core::Board board;
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

}  // namespace
}  // namespace packswarm::broker
