#include <gtest/gtest.h>

#include <random>

#include "p2p/broker/transfer/transfer.hpp"
#include "p2p/core/canonical.hpp"
#include "p2p/daemon/no_peers.hpp"
#include "p2p/daemon/trust.hpp"
#include "p2p/store/ledger.hpp"
#include "p2p/store/vault.hpp"
#include "tests/support/fake_mirrors.hpp"
#include "tests/support/lineages.hpp"
#include "tests/support/nginx.hpp"
#include "tests/support/test_loop.hpp"
#include "verify/hasher.hpp"

namespace packswarm::broker {
namespace {

using limits::mib;

// Lenders: each gives the file, or from its so-manieth byte on garbage; 10 ms and 10 MB/s each.
class FakeLenders final : public Peers {
  public:
    struct Lender {
        ByteCount right = 0;  // bytes given before it lies
        ByteCount sent = 0;
        int blamed = 0;
    };
    explicit FakeLenders(Loop& loop) : loop_(loop) {}

    FetchId get(PeerId peer, const Digest&, ByteRange range, GetEvents events) override {
        const auto id = FetchId{++last_};
        open_[id] = std::move(events);
        loop_.after(Millis(10 + range.length() / 10'000), [this, id, peer, range] {
            const auto at = open_.find(id);
            if (at == open_.end()) return;
            const auto given = std::move(at->second);
            open_.erase(at);
            auto& lender = lenders[peer];
            Bytes data(content.begin() + range.begin, content.begin() + range.end);
            if (lender.sent >= lender.right) data.back() = static_cast<char>(~data.back());
            lender.sent += range.length();
            given.data(range.begin, std::move(data));
            given.done({});
        });
        return id;
    }
    void cancel(FetchId fetch) override { open_.erase(fetch); }
    void blame(PeerId peer, Blame) override { ++lenders[peer].blamed; }

    void set_observer(PeerObserver*) override {}
    void set_lineages(std::vector<LineageState>) override {}
    void ask(const core::Lineage&, std::vector<Digest>, core::Audience) override {}
    // Nobody can be dialled.
    JoinId join(Join, JoinEvents events) override {
        ++joins;
        loop_.after(Millis(4000), [ended = std::move(events.ended)] {
            ended(fail(ErrorKind::Transient, "no peer of the torrent can be reached"));
        });
        return JoinId{1};
    }
    void add_peer(JoinId, PeerId) override {}
    void claim(JoinId, std::size_t, std::size_t) override {}
    void unclaim(JoinId, std::size_t, std::size_t) override {}
    void feed(JoinId, std::size_t, Bytes) override {}
    void leave(JoinId, Task left) override { left(); }
    void lend(const Digest&, const StagedFile&, const core::Lineage&) override {}
    void lend_piece(const Digest&, std::size_t piece) override { lent.insert(piece); }
    void end_loan(const Digest&, Outcome) override { lent.clear(); }
    plan::AgentKey key() const override { return 1; }
    std::vector<PeerView> view() const override { return {}; }
    Company company(const core::Lineage&) const override { return {1, 0, true}; }
    void offer(const core::Lineage&, std::vector<StoredMark>) override {}
    void withdraw(std::vector<Digest>) override {}
    void give_to(core::Audience, ByteCount) override {}
    Giving giving() const override { return {}; }

    std::map<PeerId, Lender> lenders;
    std::string content;
    std::set<std::size_t> lent;  // by us
    int joins = 0;

  private:
    Loop& loop_;
    std::map<FetchId, GetEvents> open_;
    std::uint64_t last_ = 0;
};

// One transfer between slow mirrors and lenders, driven by the real planner under a virtual clock.
class LendingTest : public ::testing::Test {
  protected:
    void SetUp() override {
        ledger_ = std::move(*store::Ledger::open({folder_.path()}));
        store::VaultSettings settings;
        settings.folder = folder_.path();
        settings.reserve = 0;
        vault_ = std::move(*store::Vault::open(std::move(settings), loop_, loop_));
        sources_ = std::make_unique<SourceBook>(loop_, *ledger_, board_);
        context_ = std::unique_ptr<TransferContext>(new TransferContext{
            loop_, mirrors_, lenders_, *vault_, trust_, board_, *sources_, [this] { replan(); }, [] { return true; },
            [this](plan::SourceId source) { transfer_->discredited(source); }, 1});
    }
    PeerId lender(ByteCount right_bytes) {
        const auto id = PeerId{lenders_.lenders.size() + 1};
        lenders_.lenders[id].right = right_bytes;
        return id;
    }
    enum class Say { lends, has };
    void fetch(ByteCount size, double mirror_rate = 1e6, Say say = Say::lends) {
        prepare(size, mirror_rate);
        begin(say);
        finish();
    }
    void prepare(ByteCount size, double mirror_rate) {
        lenders_.content.resize(static_cast<std::size_t>(size));
        std::mt19937 random(7);
        for (std::size_t at = 0; at < lenders_.content.size(); at += 64)
            lenders_.content[at] = static_cast<char>(random());
        for (const std::string origin : {"http://a", "http://b"}) mirrors_.mirrors[origin].rate = mirror_rate;
        mirrors_.files["/file"] = lenders_.content;
        for (const auto& [id, lender] : lenders_.lenders)
            sources_->peer({id,
                            "192.0.2." + std::to_string(static_cast<int>(id)) + ":1",
                            "",
                            Reach::wan,
                            {},
                            0,
                            0,
                            static_cast<plan::AgentKey>(id)});
        tick();
    }
    void begin(Say say = Say::lends) {
        const auto size = static_cast<ByteCount>(lenders_.content.size());
        Target target;
        target.digest = verify::digest_of(as_bytes(lenders_.content));
        target.size = size;
        target.lineage = test::lineage_of("stable");
        for (const std::string origin : {"http://a", "http://b"})
            target.mirrors.push_back({sources_->mirror(origin), origin + "/file"});
        TransferEvents events{[] {}, [] {}, [this](VerifiedFile) { done_ = true; },
                              [this](const Error& error) { FAIL() << error.message; }};
        transfer_ = std::make_unique<Transfer>(*context_, plan::WantId{1}, std::move(target), std::move(events));
        for (const auto& [id, lender] : lenders_.lenders)
            if (say == Say::lends)
                transfer_->lent(
                    {id, transfer_->target().digest, size, std::vector<bool>(core::piece_count(size), true)});
            else
                transfer_->offered(
                    {id, Reach::wan, transfer_->target().digest, size, PieceHashes(core::piece_count(size))});
    }
    void finish() {
        replan();
        loop_.advance_until([this] { return done_; }, Millis(300'000));
        loop_.advance(Millis(1));
    }
    // What the transfer leaves when nobody waits for it any more.
    Remnant interrupt() {
        std::optional<Remnant> out;
        transfer_->leave_behind([&](Remnant remnant) { out = std::move(remnant); });
        transfer_.reset();
        return out.value();
    }
    ByteCount wasted() const {
        ByteCount out = 0;
        for (const auto& share : transfer_->shares()) out += share.wasted;
        return out;
    }
    void TearDown() override {
        if (timer_ != TimerId::none) loop_.cancel(timer_);
        transfer_.reset();
    }

    test::TempDir folder_;
    test::FakeLoop loop_;
    test::FakeMirrors mirrors_{loop_};
    FakeLenders lenders_{loop_};
    daemon::TrustDesk trust_{loop_};
    plan::Board board_;
    std::unique_ptr<store::Ledger> ledger_;
    std::unique_ptr<store::Vault> vault_;
    std::unique_ptr<SourceBook> sources_;
    std::unique_ptr<TransferContext> context_;
    std::unique_ptr<Transfer> transfer_;
    bool done_ = false;

  private:
    void tick() {
        sources_->sample(loop_.now());
        replan();
        timer_ = loop_.after(Millis(50), [this] { tick(); });
    }
    void replan() {
        if (std::exchange(due_, true)) return;
        loop_.post([this] {
            due_ = false;
            if (!transfer_ || done_) return;
            const auto decisions = plan::decide(board_, loop_.now());
            for (const auto& stop : decisions.stops) transfer_->stop(stop.claim, stop.reason);
            for (const auto& shorten : decisions.shortens) transfer_->shorten(shorten.claim, shorten.end);
            for (const auto& start : decisions.starts) transfer_->begin(start);
            if (!decisions.joins.empty()) transfer_->join();
            if (!decisions.give_ups.empty()) transfer_->give_up();
        });
    }
    bool due_ = false;
    TimerId timer_ = TimerId::none;
};

TEST_F(LendingTest, WhoLendsGarbageGivesOnePieceAndIsBlamed) {
    const auto liar = lender(0), honest = lender(1000 * mib);
    fetch(24 * mib);
    ASSERT_TRUE(done_);
    EXPECT_LE(lenders_.lenders[liar].sent, core::piece_length(24 * mib));
    EXPECT_EQ(lenders_.lenders[liar].blamed, 1);
    EXPECT_EQ(lenders_.lenders[honest].blamed, 0);
    EXPECT_GT(lenders_.lenders[honest].sent, 8 * mib);
    EXPECT_LE(wasted(), 24 * mib / 10);
}

TEST_F(LendingTest, WhoLiesLaterIsFoundByTheNextPieceThatIsCompared) {
    const auto liar = lender(mib), honest = lender(1000 * mib);
    fetch(32 * mib);
    ASSERT_TRUE(done_);
    EXPECT_EQ(lenders_.lenders[liar].blamed, 1);
    EXPECT_EQ(lenders_.lenders[honest].blamed, 0);
    EXPECT_LE(lenders_.lenders[liar].sent, 6 * mib);
    EXPECT_LE(wasted(), 32 * mib / 10);
}

TEST_F(LendingTest, AWrongDigestCostsWhatTheLiarGaveAndNotWhatOthersLent) {
    const auto liar = lender(100 * limits::kib), first = lender(1000 * mib), second = lender(1000 * mib);
    fetch(5 * mib, 3e5);
    ASSERT_TRUE(done_);
    EXPECT_EQ(lenders_.lenders[liar].blamed, 1);
    EXPECT_EQ(lenders_.lenders[first].blamed + lenders_.lenders[second].blamed, 0);
    EXPECT_LE(wasted(), lenders_.lenders[liar].sent + mib / 2);
    EXPECT_LE(lenders_.lenders[liar].sent, mib + core::piece_length(5 * mib))
        << "beside the piece that a mirror has confirmed";
}

TEST_F(LendingTest, AMirrorThatLiesDoesNotGetALenderBlamed) {
    const auto honest = lender(1000 * mib);
    mirrors_.mirrors["http://a"].fault = test::MirrorManner::Fault::wrong_bytes;
    fetch(8 * mib);
    ASSERT_TRUE(done_);
    EXPECT_EQ(lenders_.lenders[honest].blamed, 0);
}

TEST_F(LendingTest, OfRemainsOnlyWhatMirrorsGaveIsLentOn) {
    const auto size = 24 * mib;
    lender(1000 * mib), lender(1000 * mib);
    prepare(size, 2e6);
    begin();
    loop_.advance_until([&] { return transfer_->received() > size / 2; });
    auto remnant = interrupt();
    EXPECT_TRUE(lenders_.lent.empty());
    core::RangeSet first_hand, borrowed;
    for (const auto& [source, ranges] : remnant.given)
        for (const auto& range : ranges.ranges())
            (sources_->kind(source) == SourceKind::mirror ? first_hand : borrowed).add(range);
    ASSERT_GT(borrowed.total(), mib);
    std::set<std::size_t> lendable;
    for (std::size_t piece = 0; piece < core::piece_count(size); ++piece)
        if (first_hand.covers(core::piece_range(size, piece))) lendable.insert(piece);
    ASSERT_FALSE(lendable.empty());
    begin();
    transfer_->resume(std::move(remnant));
    EXPECT_GT(transfer_->received(), size / 2);
    EXPECT_EQ(transfer_->safe(), 0) << "nothing of it was compared";
    loop_.advance_until([&] { return !lenders_.lent.empty(); });
    EXPECT_EQ(lenders_.lent, lendable);
    finish();
    ASSERT_TRUE(done_);
    EXPECT_LE(wasted(), size / 10);
}

TEST_F(LendingTest, ALenderThatLeftIsStillBlamedForWhatRemains) {
    const auto liar = lender(0);
    for (const char* origin : {"http://a", "http://b"})
        mirrors_.mirrors[origin].fault = test::MirrorManner::Fault::refused_connection;
    prepare(8 * mib, 2e6);
    begin();
    loop_.advance_until([&] { return transfer_->received() > 2 * mib; });
    auto remnant = interrupt();
    sources_->forget_peer(liar);
    for (const char* origin : {"http://a", "http://b"})
        mirrors_.mirrors[origin].fault = test::MirrorManner::Fault::none;
    lenders_.lenders.erase(liar);
    begin();
    transfer_->resume(std::move(remnant));
    finish();
    ASSERT_TRUE(done_);
    EXPECT_EQ(lenders_.lenders[liar].blamed, 1);
}

TEST_F(LendingTest, WithoutAMirrorThatCouldJudgeLendersAreBelieved) {
    const auto honest = lender(1000 * mib);
    for (const char* origin : {"http://a", "http://b"})
        mirrors_.mirrors[origin].fault = test::MirrorManner::Fault::refused_connection;
    fetch(8 * mib);
    ASSERT_TRUE(done_);
    EXPECT_EQ(lenders_.lenders[honest].sent, 8 * mib);
}

TEST_F(LendingTest, WhoCannotBeDialledForATorrentGivesOverTheChannel) {
    const auto hidden = lender(1000 * mib);
    for (const char* origin : {"http://a", "http://b"})
        mirrors_.mirrors[origin].fault = test::MirrorManner::Fault::refused_connection;
    fetch(8 * mib, 1e6, Say::has);
    ASSERT_TRUE(done_);
    EXPECT_EQ(lenders_.joins, 1);
    EXPECT_EQ(lenders_.lenders[hidden].sent, 8 * mib);
    EXPECT_TRUE(board_.sources.at(*sources_->find_peer(hidden)).hidden) << "the next file does not try a torrent";
}

}  // namespace
}  // namespace packswarm::broker
