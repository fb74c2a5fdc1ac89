#include "p2p/broker/transfer/flights.hpp"

#include "tests/unit/broker/case_fixture.hpp"

namespace packswarm::broker {
namespace {

using limits::mib;

class FlightsTest : public CaseFixture, public Flights::Needs {
  protected:
    void answered(plan::ClaimId, const MirrorHead&) override { ++answers; }
    void took(plan::ClaimId claim, ByteCount offset, Bytes data) override {
        auto& at = wanted().claims.at(claim);
        at.received = offset + static_cast<ByteCount>(data.size()) - at.range.begin;
        came += static_cast<ByteCount>(data.size());
        flights().collect(claim, data);
    }
    void ended(plan::ClaimId claim, const Result<void>& result) override {
        landed = flights().close(claim);
        outcome = result;
    }
    Flights& flights() {
        if (!flights_) flights_ = std::make_unique<Flights>(*case_, static_cast<Flights::Needs&>(*this));
        return *flights_;
    }
    void begin(plan::SourceId by, ByteRange range, plan::Purpose purpose = plan::Purpose::work) {
        ASSERT_TRUE(file_->stage());
        flights().begin({want_id, by, range, purpose, "a test"});
    }

    int answers = 0;
    ByteCount came = 0;
    std::optional<Flights::Landed> landed;
    std::optional<Result<void>> outcome;
    std::unique_ptr<Flights> flights_;
};

TEST_F(FlightsTest, APartComesFromAMirrorAndItsClaimEnds) {
    want(4 * mib, 1);
    begin(mirror(1), {mib, 2 * mib});
    EXPECT_EQ(board_.sources.at(mirror(1)).busy, 1);
    loop_.advance_until([&] { return outcome.has_value(); }, Millis(10'000));
    ASSERT_TRUE(outcome && *outcome);
    EXPECT_EQ(landed->in_memory, right({mib, 2 * mib}));
    EXPECT_TRUE(wanted().claims.empty());
    EXPECT_EQ(board_.sources.at(mirror(1)).busy, 0);
    EXPECT_EQ(wanted().left, loop_.now());
}

TEST_F(FlightsTest, WhatIsClosedIsCancelledAndTellsNothingMore) {
    want(4 * mib, 1);
    begin(mirror(1), {0, 4 * mib});
    loop_.advance_until([&] { return came > 0; }, Millis(10'000));
    const auto claim = *flights().any();
    ASSERT_TRUE(flights().close(claim));
    const auto before = came;
    loop_.advance(Millis(10'000));
    EXPECT_EQ(came, before);
    EXPECT_FALSE(outcome);
    EXPECT_FALSE(flights().close(claim));
    EXPECT_FALSE(flights().any());
}

TEST_F(FlightsTest, AFailureComesWithItsKind) {
    want(4 * mib, 1);
    mirrors_.mirrors["http://m1"].fault = test::MirrorManner::Fault::absent;
    begin(mirror(1), {0, mib});
    loop_.advance_until([&] { return outcome.has_value(); }, Millis(10'000));
    ASSERT_TRUE(outcome && !*outcome);
    EXPECT_EQ(outcome->error().kind, ErrorKind::Absent);
}

TEST_F(FlightsTest, APeerIsAskedForTheSameRangeAndItsFirstByteIsMeasured) {
    want(4 * mib, 1);
    const auto neighbour = peer(1);
    ByteRange asked;
    GetEvents get;
    peers_.on_get = [&](PeerId, const Digest& digest, ByteRange range, GetEvents events) {
        EXPECT_EQ(digest, target_.digest);
        asked = range;
        get = std::move(events);
        return FetchId{7};
    };
    begin(neighbour, {0, mib});
    EXPECT_EQ(asked, (ByteRange{0, mib}));
    loop_.advance(Millis(40));
    get.data(0, right({0, mib}));
    get.done({});
    EXPECT_EQ(landed->in_memory, right({0, mib}));
}

}  // namespace
}  // namespace packswarm::broker
