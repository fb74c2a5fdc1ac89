#include "p2p/broker/plain_fetch.hpp"

#include "tests/unit/broker/case_fixture.hpp"

namespace packswarm::broker {
namespace {

using Fault = test::MirrorManner::Fault;

class PlainFetchTest : public CaseFixture {
  protected:
    // From m1, m2, ... in this order.
    void fetch(int mirrors, std::optional<Digest> digest = {}, bool has_other_way = false) {
        want(200'000, mirrors);
        PlainFetch::Wish wish;
        wish.mirrors = target_.mirrors;
        wish.max_size = 10 * limits::mib;
        wish.digest = digest;
        wish.has_other_way = has_other_way;
        wish.if_modified_since = since_;
        fetch_ = std::make_unique<PlainFetch>(
            *context_, std::move(wish), [this] { ++started_; }, [this] { ++progressed_; },
            [this](Result<PlainAnswer> answer) { answer_ = std::move(answer); });
    }
    void finish() {
        loop_.advance_until([this] { return answer_.has_value(); }, Millis(120'000));
        ASSERT_TRUE(answer_);
    }
    std::string bytes() const {
        std::string out(content_.size(), '\0');
        return read_at((*answer_)->file->handle(), 0, std::span(out)) ? out : "unreadable";
    }
    void TearDown() override {
        fetch_.reset();
        answer_.reset();
        CaseFixture::TearDown();
    }

    std::unique_ptr<PlainFetch> fetch_;
    std::optional<Result<PlainAnswer>> answer_;
    std::optional<WallTime> since_;
    int started_ = 0, progressed_ = 0;
};

TEST_F(PlainFetchTest, HandsThroughWhatTheFirstMirrorGives) {
    fetch(2);
    finish();
    ASSERT_TRUE(*answer_) << answer_->error().message;
    EXPECT_EQ(bytes(), content_);
    EXPECT_EQ((*answer_)->from.source, "http://m1");
    EXPECT_EQ(started_, 1);
    EXPECT_EQ(mirrors_.sent.count("http://m2"), 0u) << "from one after another";
}

TEST_F(PlainFetchTest, AMirrorThatLacksItIsFollowedByTheNext) {
    fetch(2);
    mirrors_.mirrors["http://m1"].fault = Fault::absent;
    finish();
    ASSERT_TRUE(*answer_);
    EXPECT_EQ((*answer_)->from.source, "http://m2");
}

TEST_F(PlainFetchTest, WhatSomebodyMayHaveReadIsNotBegunAnewElsewhere) {
    mirrors_.mirrors["http://m1"].rate = 100e3;
    fetch(2);
    mirrors_.mirrors["http://m1"].rate = 100e3;
    loop_.advance(Millis(500));
    ASSERT_GT(fetch_->safe(), 0);
    mirrors_.mirrors["http://m1"].fault = Fault::refused_connection;
    finish();
    EXPECT_FALSE(*answer_);
    EXPECT_EQ(mirrors_.sent.count("http://m2"), 0u);
}

TEST_F(PlainFetchTest, WithADigestNothingIsSafeBeforeTheEndAndALiarIsFollowedByTheNext) {
    want(200'000, 1);
    const auto digest = target_.digest;
    mirrors_.mirrors["http://m1"].fault = Fault::wrong_bytes;
    fetch(2, digest);
    mirrors_.mirrors["http://m1"].fault = Fault::wrong_bytes;
    loop_.advance(Millis(25));
    EXPECT_EQ(fetch_->safe(), 0);
    finish();
    ASSERT_TRUE(*answer_) << answer_->error().message;
    EXPECT_EQ((*answer_)->from.source, "http://m2");
    EXPECT_EQ(bytes(), content_);
}

TEST_F(PlainFetchTest, WhatWasInVainAMomentAgoIsNotTriedForWhoHasAnotherWay) {
    fetch(1);
    mirrors_.mirrors["http://m1"].fault = Fault::absent;
    finish();
    ASSERT_FALSE(*answer_);
    EXPECT_EQ(answer_->error().kind, ErrorKind::Absent);
    const auto asked = mirrors_.urls.size();
    answer_.reset();
    fetch(1, {}, true);
    finish();
    EXPECT_FALSE(*answer_);
    EXPECT_EQ(mirrors_.urls.size(), asked);
    answer_.reset();
    fetch(1);
    mirrors_.mirrors["http://m1"].fault = Fault::none;
    finish();
    EXPECT_TRUE(*answer_) << "who has none is heard again";
}

TEST_F(PlainFetchTest, NotModifiedIsAnAnswerWithoutAFile) {
    since_ = WallTime(Seconds(1'780'000'000));
    mirrors_.modified["/file"] = *since_;
    fetch(1);
    finish();
    ASSERT_TRUE(*answer_);
    EXPECT_TRUE((*answer_)->not_modified);
    EXPECT_FALSE((*answer_)->file);
    EXPECT_EQ(started_, 0);
}

TEST_F(PlainFetchTest, WhoHasLeftHearsNothing) {
    fetch(1);
    loop_.advance(Millis(25));
    fetch_->leave();
    loop_.advance(Millis(10'000));
    EXPECT_FALSE(answer_);
}

TEST_F(PlainFetchTest, WishesThatOneAnswerFulfilsHaveOneKey) {
    PlainFetch::Wish one;
    one.mirrors = {{plan::SourceId{1}, "http://a/x"}};
    auto other = one;
    EXPECT_EQ(one.key(), other.key());
    other.terms.begin = 0;
    EXPECT_NE(one.key(), other.key());
    other = one;
    other.terms.guard.emplace();
    EXPECT_NE(one.key(), other.key()) << "what a stranger may be shown is another question";
    other = one;
    other.digest = Digest{};
    EXPECT_NE(one.key(), other.key());
}

}  // namespace
}  // namespace packswarm::broker
