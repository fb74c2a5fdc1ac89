#include "p2p/broker/desks/live_transfers.hpp"

#include "tests/support/lineages.hpp"
#include "tests/unit/broker/live_fixture.hpp"

namespace packswarm::broker {
namespace {

class LiveTransfersTest : public LiveFixture {};

TEST_F(LiveTransfersTest, FetchesWithWhatThePlannerDecides) {
    const auto content = content_of(50'000);
    begin(content);
    EXPECT_TRUE(transfers_->has(digest_of(content)));
    loop_.advance(Millis(5'000));
    ASSERT_EQ(verified_.size(), 1u);
    EXPECT_EQ(verified_[0].second.digest(), digest_of(content));
    EXPECT_TRUE(failed_.empty());
}

TEST_F(LiveTransfersTest, WhoAsksForTheSameJoins) {
    const auto content = content_of(4'000'000);
    const auto one = begin(content), two = ask("/file");
    EXPECT_FALSE(transfers_->join(two->id, digest_of("another")));
    loop_.advance(Millis(100));
    EXPECT_TRUE(transfers_->join(two->id, digest_of(content)));
    EXPECT_EQ(two->started, 1) << "it is told that the file has begun";
    loop_.advance(Millis(5'000));
    ASSERT_EQ(verified_.size(), 1u);
    const auto ended = transfers_->take_out(verified_[0].first);
    EXPECT_EQ(ended.askers, (std::vector{one->id, two->id}));
    EXPECT_TRUE(transfers_->is_empty());
    EXPECT_FALSE(transfers_->has(digest_of(content)));
}

TEST_F(LiveTransfersTest, WhoWaitsStandsBeforeWhoDoesNot) {
    auto ahead = request_of("/file", "prefetch");
    ahead.need = Need::prefetch;
    const auto content = content_of(4'000'000);
    const auto first = ask(ahead);
    transfers_->begin(first->id, target_of(content));
    EXPECT_EQ(transfers_->rows().at(0).asker, "prefetch");
    EXPECT_TRUE(board_.wants.begin()->second.is_prefetch);
    const auto second = ask("/file");
    transfers_->join(second->id, digest_of(content));
    EXPECT_EQ(transfers_->rows().at(0).asker, "test");
    EXPECT_FALSE(board_.wants.begin()->second.is_prefetch);
    cancel(*second);
    EXPECT_TRUE(board_.wants.begin()->second.is_prefetch);
}

TEST_F(LiveTransfersTest, EndsWithTheLastWhoLeavesAndCountsWhatItBrought) {
    const auto one = begin(content_of(900'000)), two = ask("/file");
    transfers_->join(two->id, digest_of(content_of(900'000)));
    loop_.advance(Millis(60));
    cancel(*one);
    EXPECT_FALSE(transfers_->is_empty());
    cancel(*two);
    EXPECT_TRUE(transfers_->is_empty());
    loop_.advance(Millis(5'000));
    EXPECT_TRUE(verified_.empty());
    EXPECT_TRUE(board_.wants.empty()) << "it lay in the graveyard, and is gone";
    EXPECT_EQ(rows_with("given up by its asker"), 1u);
}

TEST_F(LiveTransfersTest, GoesOnWithWhatAnUnfinishedOneHasLeft) {
    const auto content = content_of(8'000'000);
    const auto one = begin(content);
    loop_.advance(Millis(200));
    cancel(*one);
    loop_.advance(Millis(100));
    EXPECT_EQ(remains_.files(), 1u);
    begin(content);
    EXPECT_EQ(remains_.files(), 0u);
    EXPECT_GT(transfers_->rows().at(0).received, 0);
    loop_.advance(Millis(10'000));
    EXPECT_EQ(verified_.size(), 1u);
}

TEST_F(LiveTransfersTest, AllWhoAreToldMayCancel) {
    auto id = RequestId::none;
    RequestEvents events;
    events.started = [&](const Started&) { transfers_->leave(id, *askers_->take(id)); };
    id = askers_->add(request_of("/file"), std::move(events));
    transfers_->begin(id, target_of(content_of(4'000'000)));
    loop_.advance(Millis(5'000));
    EXPECT_TRUE(transfers_->is_empty());
    EXPECT_TRUE(verified_.empty());
}

TEST_F(LiveTransfersTest, WithoutAnyMirrorThatHasItItFails) {
    begin(content_of(1'000));
    mirrors_.files.clear();
    loop_.advance(Millis(20'000));
    ASSERT_EQ(failed_.size(), 1u);
    EXPECT_EQ(failed_[0].second.kind, ErrorKind::Absent);
    transfers_->take_out(failed_[0].first);
}

TEST_F(LiveTransfersTest, PeersAreAskedForWhatIsPublicAgainAndAgain) {
    mirrors_.mirrors["http://a"].fault = mirrors_.mirrors["http://b"].fault = test::MirrorManner::Fault::silent;
    const auto content = content_of(1'000);
    begin(content, test::lineage_of("stable"));
    loop_.advance(Millis(10));
    EXPECT_EQ(peers_.asked.count({test::lineage_of("stable"), digest_of(content)}), 1u);
    peers_.asked.clear();
    loop_.advance(Millis(4'000));
    EXPECT_EQ(peers_.asked.count({test::lineage_of("stable"), digest_of(content)}), 1u);
}

TEST_F(LiveTransfersTest, NothingHappensAfterItsEnd) {
    begin(content_of(50'000));
    loop_.advance(Millis(20));
    context_->replan = [] {};
    transfers_.reset();
    loop_.advance(Millis(5'000));
    EXPECT_TRUE(verified_.empty());
    EXPECT_TRUE(failed_.empty());
}

}  // namespace
}  // namespace packswarm::broker
