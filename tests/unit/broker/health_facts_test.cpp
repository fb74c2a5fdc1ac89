#include "p2p/broker/health_facts.hpp"

#include "tests/unit/broker/root_fetch_fixture.hpp"

namespace packswarm::test {
namespace {

class HealthFactsTest : public RootFetchFixture {
  protected:
    void SetUp() override {
        RootFetchFixture::SetUp();
        loop_.advance(std::chrono::duration_cast<Millis>(july_ + std::chrono::hours(24 * 20) - loop_.wall_now()));
    }
    core::HealthFacts facts() { return broker::health_facts(book(), stable_, loop_.wall_now()); }
    core::RepositoryHealth health() { return broker::health_of(book(), stable_, loop_.wall_now()); }
};

TEST_F(HealthFactsTest, OfWhatAMirrorGave) {
    EXPECT_EQ(health().health, core::Health::unread);
    publish(20);
    fetch();
    EXPECT_EQ(facts().given_by, "http://one");
    EXPECT_EQ(facts().accepted, july_ + std::chrono::hours(24 * 19 + 10));
    EXPECT_EQ(facts().confirmed, loop_.wall_now());
    EXPECT_EQ(health().health, core::Health::live) << health().sentence;
}

TEST_F(HealthFactsTest, OfAnOutage) {
    publish(20);
    fetch();
    for (auto& [origin, manner] : mirrors_.mirrors) manner.fault = MirrorManner::Fault::refused_connection;
    fetch();
    loop_.advance(Millis(120'000));
    EXPECT_EQ(health().health, core::Health::blackout) << health().sentence;
    EXPECT_NE(health().sentence.find("no mirror has answered for 2 minutes"), std::string::npos) << health().sentence;
}

TEST_F(HealthFactsTest, OfAMirrorThatGoesBack) {
    publish(20);
    fetch();
    publish(3);
    fetch();
    EXPECT_EQ(health().health, core::Health::conflicting) << health().sentence;
    EXPECT_NE(health().sentence.find("http://one went back to an index of 2026-07-03"), std::string::npos)
        << health().sentence;
    publish(20);
    fetch();
    EXPECT_EQ(health().health, core::Health::live) << health().sentence;
}

TEST_F(HealthFactsTest, OfWhatRootLetsPassForAWhile) {
    publish(20);
    fetch();
    publish(3);
    book().give_leave(stable_.id, {true, false}, loop_.wall_now() + Seconds(3600));
    fetch();
    ASSERT_TRUE(*answer_) << answer_->error().message;
    EXPECT_EQ(given(), root_) << "the older one";
    EXPECT_NE(health().sentence.find("an older index counts for 60 minutes more, as root said"), std::string::npos)
        << health().sentence;
    loop_.advance(Millis(3'600'000));
    EXPECT_EQ(facts().leave, "") << "it ends by itself";
    EXPECT_FALSE(book().leave_of(stable_.id).what.older);
    publish(2);
    fetch();
    EXPECT_NE(given(), root_) << "an older one than before does not count again";
}

TEST_F(HealthFactsTest, OfWhatPeersShow) {
    publish(10);
    fetch();
    book().peer_snapshot(snapshot_of(root_of(19), 19));
    EXPECT_EQ(facts().shown, july_ + std::chrono::hours(24 * 18 + 10));
    EXPECT_EQ(health().health, core::Health::stale) << health().sentence;
}

}  // namespace
}  // namespace packswarm::test
