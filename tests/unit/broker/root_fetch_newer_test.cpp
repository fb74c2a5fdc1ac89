// A peer shows a newer root than the mirror gives: which one the asker is told.
#include "tests/unit/broker/root_fetch_fixture.hpp"

namespace packswarm::test {
namespace {

using Fault = MirrorManner::Fault;
const std::string newer_list = "Package: b\n";

class NewerAtPeersTest : public RootFetchFixture {
  protected:
    void SetUp() override {
        RootFetchFixture::SetUp();
        publish(1);
        newer_ = root_of(20, newer_list);
        loop_.advance(std::chrono::duration_cast<Millis>(july_ + std::chrono::hours(24 * 20) - loop_.wall_now()));
    }
    const broker::RepositoryState& state() { return book().state_of(stable_.id); }
    std::string newer_;
};

TEST_F(NewerAtPeersTest, WinsOverAMirrorThatStandsStill) {
    serve_list(newer_list);
    show(newer_, 20);
    fetch();
    ASSERT_TRUE(*answer_) << answer_->error().message;
    EXPECT_EQ(given(), newer_);
    EXPECT_EQ((*answer_)->from.kind, broker::SourceKind::peer);
    fetch();
    ASSERT_TRUE(*answer_) << answer_->error().message;
    EXPECT_EQ(given(), newer_) << "and it stays, though the mirror goes on";
    EXPECT_NE(state().conflict.find("still gives the index of 2026-07-01 10:00:00 UTC"), std::string::npos)
        << state().conflict;
    EXPECT_EQ(fetched_.size(), 1U);
}

TEST_F(NewerAtPeersTest, WithoutItsListsTheMirrorsOwnStays) {
    show(newer_, 20);
    const auto began = loop_.now();
    fetch();
    ASSERT_TRUE(*answer_) << answer_->error().message;
    EXPECT_EQ(given(), root_);
    EXPECT_LE(seconds_between(began, loop_.now()), 5.0);
    fetch();
    ASSERT_TRUE(*answer_) << answer_->error().message;
    EXPECT_EQ(given(), root_);
}

TEST_F(NewerAtPeersTest, AListThatWasInUseIsWantedOfTheNewerRootToo) {
    serve_list(newer_list);
    const auto names = [](const std::string& translation, int day) {
        ReleaseOptions options;
        options.suite = options.codename = "stable";
        options.date = fmt::format("{}, {:02} Jul 2026 10:00:00 UTC", day == 1 ? "Wed" : "Mon", day);
        return key_.clearsign(release_text(
            {{"main/binary-amd64/Packages", newer_list}, {"main/i18n/Translation-de", translation}}, options));
    };
    mirrors_.files["/dists/stable/InRelease"] = root_ = names("old words", 1);
    newer_ = names("new words", 20);
    fetch();
    keep("old words", "main/i18n/Translation-de");
    show(newer_, 20);
    fetch();
    EXPECT_EQ(given(), root_) << "the new words cannot be had";
    keep("new words", "main/i18n/Translation-de");
    fetch();
    EXPECT_EQ(given(), newer_);
}

TEST_F(NewerAtPeersTest, AMirrorThatMerelyLagsIsHeard) {
    publish(19);
    serve_list(newer_list);
    show(newer_, 20);
    fetch();
    EXPECT_EQ(given(), root_);
    EXPECT_TRUE(fetched_.empty());
}

TEST_F(NewerAtPeersTest, WinsOverNotModified) {
    mirrors_.modified["/dists/stable/InRelease"] = july_ + Seconds(36'000);
    serve_list("Package: a\n");
    fetch();
    loop_.advance(Millis(10'000));
    EXPECT_EQ(given(), root_);
    serve_list(newer_list);
    show(newer_, 20);
    fetch();
    EXPECT_EQ(given(), newer_);
}

TEST_F(NewerAtPeersTest, WinsOverASlowMirror) {
    for (auto& [origin, manner] : mirrors_.mirrors) manner.first_byte = Millis(90'000);
    serve_list(newer_list);
    show(newer_, 20);
    const auto began = loop_.now();
    fetch();
    EXPECT_EQ(given(), newer_);
    EXPECT_LE(seconds_between(began, loop_.now()), 5.0);
    fetch();
    EXPECT_EQ(given(), newer_) << "it is here already";
}

TEST_F(NewerAtPeersTest, APromiseThatIsNotKeptCostsSecondsOnly) {
    book().peer_snapshot(snapshot_of(newer_, 20));
    const auto began = loop_.now();
    fetch();
    EXPECT_EQ(given(), root_);
    EXPECT_EQ((*answer_)->from.source, "http://one");
    EXPECT_LE(seconds_between(began, loop_.now()), 5.0);
}

TEST_F(NewerAtPeersTest, ADateOfTheFutureIsNotEvenAskedFor) {
    show(root_of(29, newer_list), 29);
    fetch();
    EXPECT_EQ(given(), root_);
    EXPECT_TRUE(fetched_.empty());
}

TEST_F(NewerAtPeersTest, ADatedAddressHasWhatItHas) {
    stable_.bases = {"http://one/archive/20260701T000000Z"};
    use({stable_});
    mirrors_.mirrors["http://one/archive/20260701T000000Z"];
    mirrors_.files["/archive/20260701T000000Z/dists/stable/InRelease"] = root_;
    serve_list(newer_list);
    show(newer_, 20);
    broker::RootFetch::Wish wish;
    wish.repository = stable_;
    wish.path = "dists/stable/InRelease";
    wish.first_base = stable_.bases.front();
    fetch_ = std::make_unique<broker::RootFetch>(*context_, book(), std::move(wish),
                                                 [this](auto answer) { answer_ = std::move(answer); });
    loop_.advance_until([this] { return answer_.has_value(); }, Millis(120'000));
    ASSERT_TRUE(answer_ && *answer_);
    EXPECT_EQ(given(), root_);
}

TEST_F(NewerAtPeersTest, WhetherAnyMirrorAnswersIsNoted) {
    serve_list("Package: a\n");
    fetch();
    EXPECT_FALSE(state().unreachable_since);
    for (auto& [origin, manner] : mirrors_.mirrors) manner.fault = Fault::refused_connection;
    fetch();
    EXPECT_TRUE(state().unreachable_since);
    const auto since = state().unreachable_since;
    loop_.advance(Millis(600'000));
    fetch();
    EXPECT_EQ(state().unreachable_since, since);
    for (auto& [origin, manner] : mirrors_.mirrors) manner.fault = Fault::none;
    loop_.advance(Millis(600'000));
    fetch();
    EXPECT_FALSE(state().unreachable_since);
}

}  // namespace
}  // namespace packswarm::test
