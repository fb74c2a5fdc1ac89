#include "p2p/broker/transfer/torrent_feed.hpp"

#include "tests/unit/broker/case_fixture.hpp"

namespace packswarm::broker {
namespace {

using limits::mib;

// A torrent that does nothing by itself: the test says what happens in it.
class FakeTorrents final : public Peers {
  public:
    JoinId join(Join join, JoinEvents with) override {
        joined = std::move(join);
        events = std::move(with);
        return JoinId{1};
    }
    void leave(JoinId, Task left) override {
        ++leaves;
        left();
    }
    void claim(JoinId, std::size_t first, std::size_t count) override {
        for (std::size_t piece = first; piece < first + count; ++piece) claimed.insert(piece);
    }
    void unclaim(JoinId, std::size_t first, std::size_t count) override {
        for (std::size_t piece = first; piece < first + count; ++piece) claimed.erase(piece);
    }
    void feed(JoinId, std::size_t piece, Bytes) override { fed.insert(piece); }
    void blame(PeerId peer, Blame) override { blamed.insert(peer); }
    void add_peer(JoinId, PeerId peer) override { added.insert(peer); }

    void set_observer(PeerObserver*) override {}
    void set_lineages(std::vector<LineageState>) override {}
    void ask(const core::Lineage&, std::vector<Digest>, core::Audience) override {}
    FetchId get(PeerId, const Digest&, ByteRange, GetEvents) override { return FetchId::none; }
    void cancel(FetchId) override {}
    void lend(const Digest&, const StagedFile&, const core::Lineage&) override {}
    void lend_piece(const Digest&, std::size_t) override {}
    void end_loan(const Digest&, Outcome) override {}
    plan::AgentKey key() const override { return 1; }
    std::vector<PeerView> view() const override { return {}; }
    Company company(const core::Lineage&) const override { return {}; }
    void offer(const core::Lineage&, std::vector<StoredMark>) override {}
    void withdraw(std::vector<Digest>) override {}
    void give_to(core::Audience, ByteCount) override {}
    Giving giving() const override { return {}; }

    std::optional<Join> joined;
    JoinEvents events;
    std::set<std::size_t> claimed, fed;
    std::set<PeerId> blamed, added;
    int leaves = 0;
};

class TorrentFeedTest : public CaseFixture, public TorrentFeed::Needs {
  protected:
    void brought(std::optional<plan::SourceId> from, ByteRange piece) override {
        came.push_back(piece);
        if (from) file_->brought(*from, piece);
        wanted().done.add(piece);
    }
    void denied(ByteRange piece) override {
        gone.push_back(piece);
        file_->take_from_givers(piece);
        file_->throw_away(piece);
    }
    void prepare(ByteCount size, int mirrors) {
        want(size, mirrors);
        with_torrents_ = std::unique_ptr<TransferContext>(
            new TransferContext{loop_, mirrors_, torrents, *vault_, trust_, board_, *sources_, [this] { ++replans; },
                                [] { return true; }, [](plan::SourceId) {}, 1});
        case_.reset(new Case{*with_torrents_, target_, want_id, *file_, *this});
        feed_ = std::make_unique<TorrentFeed>(*case_, static_cast<TorrentFeed::Needs&>(*this));
        ASSERT_TRUE(file_->stage());
    }
    void TearDown() override {
        feed_.reset();
        CaseFixture::TearDown();
    }
    PieceHashes true_hints() const {
        PieceHashes out;
        for (std::size_t piece = 0; piece < core::piece_count(target_.size); ++piece) {
            const auto range = core::piece_range(target_.size, piece);
            out.push_back(verify::piece_hash_of(right(range)));
        }
        return out;
    }
    void offer(int from, PieceHashes hints, Reach reach = Reach::wan) {
        peer(from);
        feed_->offered(
            {PeerId{static_cast<std::uint64_t>(from)}, reach, target_.digest, target_.size, std::move(hints)});
    }
    void join() {
        feed_->join();
        loop_.advance(Millis(100));
    }

    FakeTorrents torrents;
    std::vector<ByteRange> came, gone;
    std::unique_ptr<TransferContext> with_torrents_;
    std::unique_ptr<TorrentFeed> feed_;
};

TEST_F(TorrentFeedTest, WhatIsHereIsCheckedAgainstTheHintsAndFed) {
    prepare(4 * mib, 1);
    give(mirror(1), {0, 2 * mib});
    offer(1, true_hints());
    join();
    ASSERT_TRUE(torrents.joined);
    EXPECT_TRUE(torrents.joined->have.front());
    EXPECT_FALSE(torrents.joined->have.back());
    EXPECT_TRUE(wanted().swarm.joined);
    const auto last = core::piece_range(target_.size, core::piece_count(target_.size) - 1);
    give(mirror(1), last);
    feed_->written(last);
    EXPECT_EQ(torrents.fed, std::set{core::piece_count(target_.size) - 1});
}

TEST_F(TorrentFeedTest, APieceOfAPeerIsHandedOn) {
    prepare(4 * mib, 1);
    offer(1, true_hints());
    join();
    torrents.events.piece_done(0, PeerId{1});
    EXPECT_EQ(came, std::vector{core::piece_range(target_.size, 0)});
    torrents.events.piece_done(1, PeerId::none);  // it was fed: no news
    EXPECT_EQ(came.size(), 1u);
}

TEST_F(TorrentFeedTest, WhatHintsDenyOfTheOnlyMirrorIsThrownAwayOnceAndThenItIsBelieved) {
    prepare(4 * mib, 1);
    auto lies = true_hints();
    lies[0] = PieceHash{};
    offer(1, lies);
    give(mirror(1), {0, 2 * mib});
    join();
    EXPECT_EQ(gone, std::vector{core::piece_range(target_.size, 0)});
    give(mirror(1), core::piece_range(target_.size, 0));
    torrents.events.piece_wrong(0);
    EXPECT_TRUE(feed_->is_over());
    EXPECT_TRUE(feed_->is_in_doubt());
    EXPECT_FALSE(wanted().swarm.joined);
}

TEST_F(TorrentFeedTest, WithAnotherMirrorItIsAskedBeforeAnythingGoes) {
    prepare(4 * mib, 2);
    auto lies = true_hints();
    lies[0] = PieceHash{};
    offer(1, lies);
    give(mirror(1), {0, 2 * mib});
    join();
    EXPECT_TRUE(gone.empty());
    EXPECT_TRUE(feed_->is_contested(mirror(1)));
    EXPECT_EQ(wanted().crowd.trials.count(mirror(1)), 1u);
    EXPECT_FALSE(torrents.joined);  // no byte of theirs before it is known who is wrong
    feed_->judged(true);
    EXPECT_TRUE(feed_->is_over());
}

TEST_F(TorrentFeedTest, WhereTheOtherMirrorSaysTheSameAsTheHintsTheFirstOnesPieceGoes) {
    prepare(4 * mib, 2);
    offer(1, true_hints());
    give(mirror(1), {0, 2 * mib}, true);
    join();
    feed_->judged(false);
    EXPECT_FALSE(gone.empty());
    EXPECT_TRUE(feed_->denied(mirror(1)));
    EXPECT_TRUE(torrents.joined);
}

TEST_F(TorrentFeedTest, ClaimsOfMirrorsAreLeftAloneUntilTheyEnd) {
    prepare(4 * mib, 1);
    offer(1, true_hints());
    join();
    feed_->claimed({0, mib});
    EXPECT_FALSE(torrents.claimed.empty());
    feed_->released({0, mib});
    EXPECT_TRUE(torrents.claimed.empty());
}

TEST_F(TorrentFeedTest, PeersThatCannotBeDialledGiveOverTheChannel) {
    prepare(4 * mib, 1);
    offer(1, true_hints());
    join();
    torrents.events.ended(packswarm::fail(ErrorKind::Transient, "nobody can be reached"));
    EXPECT_TRUE(feed_->has_failed());
    EXPECT_EQ(wanted().crowd.lenders.all().size(), 1u);
}

TEST_F(TorrentFeedTest, HintsThatWereWrongGetTheirGiversBlamed) {
    prepare(4 * mib, 1);
    auto lies = true_hints();
    lies.back() = PieceHash{};
    offer(1, lies, Reach::lan);
    offer(2, true_hints());
    give(mirror(1), {0, 4 * mib});
    feed_->verified();
    loop_.advance(Millis(100));
    EXPECT_EQ(torrents.blamed, std::set{PeerId{1}});
}

}  // namespace
}  // namespace packswarm::broker
