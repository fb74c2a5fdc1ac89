#include "p2p/broker/desks/root_news.hpp"

#include "tests/unit/broker/root_fetch_fixture.hpp"

namespace packswarm::test {
namespace {

const std::string list = "Package: b\n";

class RootNewsTest : public RootFetchFixture {
  protected:
    void SetUp() override {
        RootFetchFixture::SetUp();
        loop_.advance(std::chrono::duration_cast<Millis>(july_ + std::chrono::hours(24 * 20) - loop_.wall_now()));
    }
    void tell(const std::string& root, int day, bool gives = true) {
        if (gives) shown_[digest_of(root)] = root;
        peers_.observer->peer_snapshot(snapshot_of(root, day));
    }
    std::string here() {
        const auto& root = book().state_of(stable_.id).root;
        return root ? std::string(as_text(root->bundle)) : "";
    }
};

TEST_F(RootNewsTest, ANewerRootComesByItselfAndIsShownOn) {
    serve_list(list);
    const auto first = root_of(10, list), second = root_of(11, list);
    tell(first, 10);
    loop_.advance(Millis(5'000));
    EXPECT_EQ(here(), first);
    tell(second, 11);
    tell(second, 11);
    loop_.advance(Millis(5'000));
    EXPECT_EQ(here(), second);
    EXPECT_EQ(fetched_.size(), 2U) << "each once";
    const auto& told = peers_.lineages;
    ASSERT_FALSE(told.empty());
    EXPECT_EQ(told.front().root, digest_of(second));
    EXPECT_EQ(book().state_of(stable_.id).given_by, "a peer");
}

TEST_F(RootNewsTest, ItsListsComeWithIt) {
    serve_list(list);
    tell(root_of(10, list), 10);
    loop_.advance(Millis(5'000));
    EXPECT_EQ(book().lacking_list(stable_.id), "");
    EXPECT_EQ(mirrors_.asked["/dists/stable/InRelease"], 0) << "no mirror is asked for the root";
}

TEST_F(RootNewsTest, AnOlderOneIsNoNews) {
    serve_list(list);
    tell(root_of(10, list), 10);
    loop_.advance(Millis(5'000));
    tell(root_of(9, list), 9);
    loop_.advance(Millis(60'000));
    EXPECT_EQ(fetched_.size(), 1U);
}

TEST_F(RootNewsTest, PromisesThatNobodyKeepsAreBounded) {
    for (int day = 2; day < 20; ++day) {
        tell(root_of(day, list), day, false);
        for (int i = 0; i < 20; ++i) loop_.advance(Millis(1'000));
    }
    EXPECT_LE(fetched_.size(), 6U);
    EXPECT_EQ(here(), "");
}

TEST_F(RootNewsTest, WhatItsKeyDidNotSignDoesNotCount) {
    const PaperKey stranger("00B50190207B4758A3F73A796ED0E7B82643E131");
    ReleaseOptions options;
    options.suite = options.codename = "stable";
    options.date = "Fri, 10 Jul 2026 10:00:00 UTC";
    tell(stranger.clearsign(release_text({{"main/binary-amd64/Packages", list}}, options)), 10);
    loop_.advance(Millis(5'000));
    EXPECT_EQ(here(), "");
    EXPECT_EQ(fetched_.size(), 1U);
}

}  // namespace
}  // namespace packswarm::test
