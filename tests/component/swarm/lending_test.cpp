#include "tests/component/swarm/party.hpp"

namespace packswarm::test {
namespace {

constexpr std::size_t piece = 64 * 1024;

// One agent fetches a file of 40 pieces and lends what it has; the other one asks for it.
class Lending : public Party {
  protected:
    void SetUp() override {
        std::tie(lender, asker) = pair();
        staged = lender->vault->stage(static_cast<ByteCount>(bytes.size())).value();
    }
    void write(std::size_t number) {
        ASSERT_TRUE(
            staged->write(static_cast<ByteCount>(number * piece), ByteView(bytes).subspan(number * piece, piece)));
        lender->swarm->lend_piece(digest, number);
    }
    bool is_lent(std::size_t number) const {
        return !asker->record.loans.empty() && asker->record.loans.back().digest == digest &&
               asker->record.loans.back().pieces.at(number);
    }
    Result<void> take(std::size_t number, Bytes& out) {
        std::optional<Result<void>> result;
        broker::GetEvents events;
        events.data = [&out](ByteCount, Bytes data) { out.insert(out.end(), data.begin(), data.end()); };
        events.done = [&result](Result<void> done) { result = std::move(done); };
        const auto begin = static_cast<ByteCount>(number * piece);
        asker->swarm->get(asker->only_peer(), digest, {begin, begin + static_cast<ByteCount>(piece)},
                          std::move(events));
        EXPECT_TRUE(wait([&] { return result.has_value(); }));
        return *result;
    }
    Bytes bytes = noise(40 * piece, 7);
    Digest digest = verify::digest_of(bytes);
    Agent* lender = nullptr;
    Agent* asker = nullptr;
    std::optional<StagedFile> staged;
};

TEST_F(Lending, WhoAskedBeforeIsToldOfEveryPieceAndTakesIt) {
    asker->swarm->ask(a_lineage(), {digest}, core::Audience::everybody);
    ASSERT_TRUE(wait([&] { return lender->record.sought.count(digest) == 1; }));
    lender->swarm->lend(digest, *staged, a_lineage());
    ASSERT_TRUE(wait([&] { return !asker->record.loans.empty(); }));
    EXPECT_FALSE(is_lent(3));
    write(3);
    ASSERT_TRUE(wait([&] { return is_lent(3); }));
    EXPECT_FALSE(is_lent(4));
    Bytes got;
    ASSERT_TRUE(take(3, got));
    EXPECT_EQ(got, Bytes(bytes.begin() + 3 * piece, bytes.begin() + 4 * piece));
}

TEST_F(Lending, WhoAsksLaterIsToldAtOnce) {
    lender->swarm->lend(digest, *staged, a_lineage());
    write(0);
    asker->swarm->ask(a_lineage(), {digest}, core::Audience::everybody);
    EXPECT_TRUE(wait([&] { return is_lent(0); }));
}

TEST_F(Lending, WhatIsNotLentIsRefused) {
    lender->swarm->lend(digest, *staged, a_lineage());
    write(0);
    Bytes got;
    const auto result = take(1, got);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::Absent);
    EXPECT_TRUE(got.empty());
}

TEST_F(Lending, NothingIsGivenOnceItFailed) {
    lender->swarm->lend(digest, *staged, a_lineage());
    write(0);
    lender->swarm->end_loan(digest, broker::Peers::Outcome::failed);
    Bytes got;
    EXPECT_FALSE(take(0, got));
}

TEST_F(Lending, ALineageThePeerIsNotInStaysUnknownToIt) {
    lender->swarm->lend(digest, *staged, a_lineage("private"));
    write(0);
    asker->swarm->ask(a_lineage(), {digest}, core::Audience::everybody);
    Bytes got;
    EXPECT_FALSE(take(0, got));
    EXPECT_TRUE(asker->record.loans.empty());
}

TEST_F(Lending, WhoAskedIsToldWhenTheWholeFileCame) {
    asker->swarm->ask(a_lineage(), {digest}, core::Audience::everybody);
    ASSERT_TRUE(wait([&] { return lender->record.sought.count(digest) == 1; }));
    EXPECT_TRUE(asker->record.offers.empty());
    lender->share(bytes);
    ASSERT_TRUE(wait([&] { return asker->record.offers.size() == 1; }));
    EXPECT_EQ(asker->record.offers.front().pieces, hashes_of(bytes));
}

}  // namespace
}  // namespace packswarm::test
