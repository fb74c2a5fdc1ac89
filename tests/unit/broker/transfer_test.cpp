// One transfer at a time, planned as in the broker: what it says of itself, and how it ends. Its parts have tests of
// their own names.
#include "p2p/broker/transfer/transfer.hpp"

#include "tests/support/lineages.hpp"
#include "tests/unit/broker/live_fixture.hpp"

namespace packswarm::broker {
namespace {

class TransferTest : public LiveFixture {
  protected:
    void SetUp() override {
        LiveFixture::SetUp();
        on_begun_ = [this](plan::WantId want, Transfer& transfer) {
            want_ = want;
            transfer_ = &transfer;
        };
        const auto over = [this](plan::WantId, const auto&) {
            reasons_ = transfer_->reasons();
            shares_ = transfer_->shares();
            received_ = transfer_->received();
        };
        on_verified_ = over;
        on_failed_ = over;
    }
    bool is_over() const { return !verified_.empty() || !failed_.empty(); }
    bool ends() {
        return loop_.advance_until([this] { return is_over(); }), is_over();
    }
    ByteCount given() const {
        ByteCount out = 0;
        for (const auto& share : shares_) out += share.bytes;
        return out;
    }

    plan::WantId want_{};
    Transfer* transfer_ = nullptr;
    std::vector<std::string> reasons_;
    std::vector<SourceShare> shares_;
    ByteCount received_ = 0;
};

TEST_F(TransferTest, OfALargeFileEachSourceIsCreditedWithWhatItGave) {
    const auto content = content_of(3 << 20);
    begin(content);
    ASSERT_TRUE(ends());
    ASSERT_EQ(verified_.size(), 1u);
    EXPECT_EQ(verified_[0].second.digest(), digest_of(content));
    EXPECT_EQ(received_, static_cast<ByteCount>(content.size()));
    EXPECT_GE(given(), static_cast<ByteCount>(content.size()));
    EXPECT_FALSE(reasons_.empty()) << "what was decided can be told";
}

TEST_F(TransferTest, WhatNobodyHasFailsAsAbsent) {
    begin(content_of(3 << 20));
    mirrors_.files.clear();
    ASSERT_TRUE(ends());
    ASSERT_EQ(failed_.size(), 1u);
    EXPECT_EQ(failed_[0].second.kind, ErrorKind::Absent);
    EXPECT_EQ(received_, 0);
}

TEST_F(TransferTest, AFileThatIsAnotherOneEverywhereIsCorruptAndNeverVerified) {
    auto target = target_of(content_of(3 << 20, 'a'));
    mirrors_.files["/file"] = content_of(3 << 20, 'z') + "!";
    mirrors_.files["/file"].pop_back();
    mirrors_.files["/file"][5] = '?';
    const auto outcome = ask("/file");
    transfers_->begin(outcome->id, std::move(target));
    ASSERT_TRUE(ends());
    EXPECT_TRUE(verified_.empty());
    ASSERT_EQ(failed_.size(), 1u);
    EXPECT_EQ(failed_[0].second.kind, ErrorKind::Corrupt);
}

TEST_F(TransferTest, IsAPrefetchUntilSomebodyWaits) {
    begin(content_of(3 << 20));
    ASSERT_NE(transfer_, nullptr);
    transfer_->set_need(Need::prefetch, false);
    EXPECT_TRUE(board_.wants.at(want_).is_prefetch);
    transfer_->set_need(Need::awaited, true);
    EXPECT_FALSE(board_.wants.at(want_).is_prefetch);
}

TEST_F(TransferTest, WidensToStrangersOnceAtMost) {
    begin(content_of(3 << 20), test::lineage_of("stable"));
    ASSERT_NE(transfer_, nullptr);
    int times = 0;
    for (int look = 0; look < 100; ++look) {
        loop_.advance(Millis(100));
        if (is_over()) break;
        times += transfer_->widens();
    }
    EXPECT_LE(times, 1);
}

TEST_F(TransferTest, LeavesNoWantBehindWhenItIsGivenUp) {
    const auto outcome = begin(content_of(3 << 20));
    loop_.advance(Millis(20));
    ASSERT_EQ(board_.wants.count(want_), 1u);
    cancel(*outcome);
    loop_.drain();
    EXPECT_EQ(board_.wants.count(want_), 0u);
}

}  // namespace
}  // namespace packswarm::broker
