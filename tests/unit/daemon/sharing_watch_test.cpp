#include "p2p/daemon/sharing_watch.hpp"

#include <gtest/gtest.h>

#include "p2p/daemon/trust.hpp"
#include "p2p/store/vault.hpp"
#include "tests/support/nginx.hpp"
#include "tests/support/recording_peers.hpp"
#include "tests/support/test_loop.hpp"

namespace packswarm::daemon {
namespace {

using core::Audience;

WallTime day(int year, unsigned month, unsigned number) {
    return std::chrono::sys_days(std::chrono::year(year) / static_cast<int>(month) / static_cast<int>(number));
}

// The real ledger and book under a fake clock that begins a day before a month ends; the surroundings are the test's.
class SharingWatchTest : public ::testing::Test {
  protected:
    SharingWatchTest() {
        open_ledger();
        store::VaultSettings settings;
        settings.folder = folder_.path();
        vault_ = std::move(*store::Vault::open(std::move(settings), loop_, loop_));
        proofs_ = std::make_unique<broker::Proofs>(loop_, *vault_, trust_);
        book_ = std::make_unique<broker::IndexBook>(loop_, *vault_, *ledger_, trust_, peers_, *proofs_);
        start();
    }
    void open_ledger() { ledger_ = std::move(*store::Ledger::open({folder_.path()})); }
    void start() {
        watch_ = std::make_unique<SharingWatch>(loop_, *book_, peers_, *ledger_, [this] { return surroundings_; });
        watch_->set_rules(rules_);
    }
    void give(ByteCount far, ByteCount near) {
        peers_.given.sent_far += far;
        peers_.given.sent_near += near;
        loop_.advance(Millis(1'000));
    }

    test::TempDir folder_;
    test::FakeLoop loop_{day(2026, 9, 30)};
    test::RecordingPeers peers_;
    TrustDesk trust_{loop_};
    core::Surroundings surroundings_{{"eth0"}, {{"eth0", "192.0.2.7"}}};
    core::SharingRules rules_;
    std::unique_ptr<store::Ledger> ledger_;
    std::unique_ptr<store::Vault> vault_;
    std::unique_ptr<broker::Proofs> proofs_;
    std::unique_ptr<broker::IndexBook> book_;
    std::unique_ptr<SharingWatch> watch_;
};

TEST_F(SharingWatchTest, CountsWhatWasGivenOnceAndApartForNeighbours) {
    give(1000, 50);
    give(0, 0);
    give(10, 5);
    EXPECT_EQ(ledger_->sent_in_month(loop_.wall_now()), (store::Sent{1010, 55}));
    EXPECT_EQ(watch_->view().month, (store::Sent{1010, 55}));
    EXPECT_GT(watch_->view().far_rate, 0);
    peers_.given.sent_far += 7;
    watch_.reset();
    EXPECT_EQ(ledger_->sent().far, 1017) << "what came in the last second is counted at the end";
}

TEST_F(SharingWatchTest, StopsForStrangersWhenTheMonthIsUsedUpAndGoesOnInTheNext) {
    rules_.monthly_quota = 1000;
    watch_->set_rules(rules_);
    give(999, 5'000);
    EXPECT_EQ(peers_.audience, Audience::everybody);
    give(1, 0);
    EXPECT_EQ(peers_.audience, Audience::neighbours);
    EXPECT_TRUE(book_->shares());
    give(0, 9'000);
    EXPECT_EQ(peers_.audience, Audience::neighbours);
    loop_.advance(std::chrono::hours(24));
    EXPECT_EQ(peers_.audience, Audience::everybody) << "October";
    EXPECT_EQ(ledger_->sent_by_month().front(), (std::pair<std::string, store::Sent>{"2026-09", {1000, 14'000}}));
}

TEST_F(SharingWatchTest, RemembersAUsedUpMonthOverARestart) {
    rules_.monthly_quota = 1000;
    give(2'000, 0);
    watch_.reset();
    peers_.given = {};
    peers_.audience = Audience::everybody;
    open_ledger();
    start();
    EXPECT_EQ(peers_.audience, Audience::neighbours);
    rules_.monthly_quota = 3'000;
    watch_->set_rules(rules_);
    EXPECT_EQ(peers_.audience, Audience::everybody) << "the owner gave more";
}

TEST_F(SharingWatchTest, PausesWithinSecondsOfAChangeOfTheWayOutAndComesBack) {
    rules_.not_on_interfaces = {"wwan0"};
    watch_->set_rules(rules_);
    EXPECT_EQ(peers_.audience, Audience::everybody);
    surroundings_.default_interfaces = {"wwan0"};
    loop_.advance(Millis(3'000));
    EXPECT_EQ(peers_.audience, Audience::nobody);
    EXPECT_FALSE(book_->shares());
    EXPECT_EQ(watch_->view().verdict.reason, "wwan0 is in sharing.not_on_interfaces");
    surroundings_.default_interfaces = {"eth0"};
    loop_.advance(Millis(3'000));
    EXPECT_EQ(peers_.audience, Audience::everybody);
    EXPECT_TRUE(book_->shares());
    EXPECT_TRUE(watch_->view().verdict.reason.empty());
}

}  // namespace
}  // namespace packswarm::daemon
