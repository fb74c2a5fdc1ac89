#include "p2p/broker/index_looks.hpp"

#include <gtest/gtest.h>

#include "tests/support/formats.hpp"
#include "tests/support/test_loop.hpp"

namespace packswarm::broker {
namespace {

class IndexLooksTest : public ::testing::Test {
  protected:
    IndexLooksTest() {
        lab_.id = core::RepositoryId("lab");
        lab_.format = test::pacman();
    }
    core::Location at(const std::string& path) { return {&lab_, path, "http://lab"}; }
    bool holds(const std::string& path, bool is_listed = true) {
        return looks_.holds(at(path), is_listed, [this] { ++released_; });
    }
    void end_the_look() {
        ASSERT_FALSE(fetches_.empty());
        fetches_.back()();
        loop_.drain();
    }

    core::Repository lab_;
    test::FakeLoop loop_;
    std::vector<Task> fetches_;
    std::vector<core::RepositoryId> stopped_;
    int released_ = 0;
    IndexLooks looks_{loop_, [this](const core::Location&, Task then) { fetches_.push_back(std::move(then)); },
                      [this](const core::RepositoryId& repository) { stopped_.push_back(repository); }};
    const std::string package_ = "tool-1-1-any.pkg.tar.zst";
};

TEST_F(IndexLooksTest, APackageWaitsForOneLookAndThenForNoneInAMinute) {
    EXPECT_TRUE(holds(package_));
    EXPECT_TRUE(holds("other-1-1-any.pkg.tar.zst"));
    EXPECT_EQ(fetches_.size(), 1u) << "both wait for the same look";
    end_the_look();
    EXPECT_EQ(released_, 2);
    EXPECT_EQ(stopped_, std::vector<core::RepositoryId>{lab_.id});
    EXPECT_FALSE(holds(package_));
    loop_.advance(Millis(60'000));
    EXPECT_TRUE(holds(package_));
}

TEST_F(IndexLooksTest, ALookThatDoesNotEndHoldsNobodyForMoreThanSeconds) {
    EXPECT_TRUE(holds(package_));
    loop_.advance(Millis(2'900));
    EXPECT_EQ(released_, 0);
    loop_.advance(Millis(200));
    EXPECT_EQ(released_, 1);
    fetches_.back()();
    EXPECT_EQ(released_, 1) << "what comes of it later releases nobody again";
}

TEST_F(IndexLooksTest, WhoseIndexCameFromHereWaitsOnlyForWhatItDoesNotList) {
    looks_.told(lab_.id);
    EXPECT_FALSE(holds(package_, true));
    EXPECT_TRUE(holds(package_, false));
}

TEST_F(IndexLooksTest, NothingButAPackageWaitsAndItsSignatureDoes) {
    EXPECT_FALSE(holds("lab.db"));
    EXPECT_TRUE(holds(package_ + ".sig"));
    lab_.format = test::debian();
    EXPECT_FALSE(holds("pool/main/t/tool_1_all.deb")) << "apt names digests";
}

TEST_F(IndexLooksTest, AFileThatIsAnotherOneIsAReasonToLookOnceInAMinute) {
    looks_.told(lab_.id);
    EXPECT_TRUE(looks_.doubt(lab_.id));
    EXPECT_TRUE(holds(package_)) << "its index may be newer after all";
    EXPECT_TRUE(looks_.doubt(lab_.id)) << "the look is open";
    end_the_look();
    EXPECT_FALSE(looks_.doubt(lab_.id));
    loop_.advance(Millis(60'000));
    EXPECT_TRUE(looks_.doubt(lab_.id));
}

}  // namespace
}  // namespace packswarm::broker
