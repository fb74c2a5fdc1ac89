#include "p2p/broker/root_fetch.hpp"

#include "tests/unit/broker/root_fetch_fixture.hpp"

namespace packswarm::test {
namespace {

using RootFetchTest = RootFetchFixture;
using Fault = MirrorManner::Fault;

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
