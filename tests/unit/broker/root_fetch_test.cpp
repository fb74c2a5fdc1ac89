#include "p2p/broker/root_fetch.hpp"

#include "tests/unit/broker/book_fixture.hpp"

namespace packswarm::test {
namespace {

using broker::RootFetch;
using Fault = MirrorManner::Fault;

class RootFetchTest : public BookFixture {
  protected:
    void SetUp() override {
        BookFixture::SetUp();
        sources_ = std::make_unique<broker::SourceBook>(loop_, *ledger_, board_);
        context_ = std::unique_ptr<broker::TransferContext>(
            new broker::TransferContext{loop_, mirrors_, peers_, *vault_, trust_, board_, *sources_, [] {},
                                        [] { return true; }, [](plan::SourceId) {}, 1});
        stable_ = repository("stable", core::Sharing::allowed);
        stable_.bases = {"http://one", "http://two"};
        use({stable_});
        for (const auto& base : stable_.bases) mirrors_.mirrors[base];
    }
    void TearDown() override { fetch_.reset(); }
    // What each mirror has at the root's place; day: of July 2026.
    void publish(int day) {
        ReleaseOptions options;
        options.suite = options.codename = "stable";
        constexpr const char* weekdays[] = {"Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Mon"};
        options.date = fmt::format("{}, {:02} Jul 2026 10:00:00 UTC", weekdays[day % 7], day);
        root_ = key_.clearsign(release_text({{"main/binary-amd64/Packages", "Package: a\n"}}, options));
        mirrors_.files["/dists/stable/InRelease"] = root_;
    }
    void fetch() {
        answer_.reset();
        RootFetch::Wish wish;
        wish.repository = stable_;
        wish.path = "dists/stable/InRelease";
        wish.first_base = "http://one";
        fetch_ =
            std::make_unique<RootFetch>(*context_, book(), std::move(wish),
                                        [this](Result<broker::RootAnswer> answer) { answer_ = std::move(answer); });
        loop_.advance_until([this] { return answer_.has_value(); }, Millis(120'000));
        ASSERT_TRUE(answer_);
    }
    std::string given() const { return {(*answer_)->root.begin(), (*answer_)->root.end()}; }

    core::Repository stable_;
    plan::Board board_;
    std::string root_;
    std::unique_ptr<broker::SourceBook> sources_;
    std::unique_ptr<broker::TransferContext> context_;
    std::unique_ptr<RootFetch> fetch_;
    std::optional<Result<broker::RootAnswer>> answer_;
};

TEST_F(RootFetchTest, TheMirrorThatTheAskerNamedGivesItsRootAndItCounts) {
    publish(1);
    fetch();
    ASSERT_TRUE(*answer_) << answer_->error().message;
    EXPECT_EQ(given(), root_);
    EXPECT_EQ((*answer_)->from.source, "http://one");
    EXPECT_EQ(book().state_of(core::RepositoryId("stable")).standing, broker::RepositoryState::Standing::verified);
    EXPECT_FALSE(fetch_->own_is_refused());
}

TEST_F(RootFetchTest, ASlowMirrorIsOvertakenByTheNext) {
    publish(1);
    mirrors_.mirrors["http://one"].first_byte = Millis(60'000);
    fetch();
    ASSERT_TRUE(*answer_) << answer_->error().message;
    EXPECT_EQ((*answer_)->from.source, "http://two");
}

TEST_F(RootFetchTest, ARootThatNobodySignedDoesNotCountAndItsMirrorIsRefused) {
    mirrors_.files["/dists/stable/InRelease"] = "Suite: stable\nCodename: stable\n";
    fetch();
    ASSERT_FALSE(*answer_);
    EXPECT_TRUE(fetch_->own_is_refused());
    EXPECT_NE(book().state_of(core::RepositoryId("stable")).standing, broker::RepositoryState::Standing::verified);
}

TEST_F(RootFetchTest, InAnOutageTheNewestThatWasKeptServes) {
    publish(1);
    fetch();
    ASSERT_TRUE(*answer_);
    for (auto& [origin, manner] : mirrors_.mirrors) manner.fault = Fault::refused_connection;
    fetch();
    ASSERT_TRUE(*answer_) << answer_->error().message;
    EXPECT_EQ(given(), root_);
    EXPECT_EQ((*answer_)->from.kind, broker::SourceKind::cache);
}

TEST_F(RootFetchTest, ThatAMirrorHasNoSuchFileIsNoOutage) {
    publish(1);
    fetch();
    ASSERT_TRUE(*answer_);
    mirrors_.files.clear();
    fetch();
    ASSERT_FALSE(*answer_) << "it is the asker's to hear";
    EXPECT_EQ(answer_->error().kind, ErrorKind::Absent);
}

}  // namespace
}  // namespace packswarm::test
