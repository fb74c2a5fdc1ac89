#include "p2p/plan/strangers.hpp"

#include <gtest/gtest.h>

namespace packswarm::plan {
namespace {

using namespace std::chrono_literals;

class Strangers : public ::testing::Test {
  protected:
    Strangers() {
        board.sources[one];
        board.sources[two];
        want.mirrors = {one, two};
        want.size = 100'000;
        want.created = TimePoint{1h};
    }
    bool asked(Millis after, const Asking& asking = {}) const {
        return asks_strangers(board, want, asking, want.created + after);
    }

    static constexpr auto one = SourceId{1}, two = SourceId{2};
    Board board;
    Want want;
};

TEST_F(Strangers, AreAskedForSmallArtifactsAfterAMoment) {
    EXPECT_FALSE(asked(0ms));
    EXPECT_FALSE(asked(1'400ms));
    EXPECT_TRUE(asked(1'500ms));
}

TEST_F(Strangers, AreAskedForLargeOnesAtOnce) {
    want.size = 2 * limits::mib;
    EXPECT_TRUE(asked(0ms));
}

TEST_F(Strangers, AreAskedAtOnceWhenNoMirrorIsLeft) {
    want.barred.insert(one);
    EXPECT_FALSE(asked(0ms));
    board.sources[two].usable = false;
    EXPECT_TRUE(asked(0ms));
    EXPECT_TRUE(asked(0ms, {.is_security = true}));
}

TEST_F(Strangers, AreNotAskedForSecurityUpdatesWhileAMirrorIsLeftOrComesLater) {
    want.size = 2 * limits::mib;
    EXPECT_FALSE(asked(60'000ms, {.is_security = true}));
    want.mirrors.clear();
    EXPECT_FALSE(asked(60'000ms, {.is_security = true, .skips_mirrors = true}));
    EXPECT_TRUE(asked(0ms, {.is_security = true}));
}

TEST(SecuritySuite, IsKnownByItsName) {
    for (const auto* name : {"bookworm-security", "stable-security", "jammy-security", "buster/updates"})
        EXPECT_TRUE(is_security_suite(name)) << name;
    for (const auto* name : {"bookworm", "bookworm-updates", "security", "stable", "core", ""})
        EXPECT_FALSE(is_security_suite(name)) << name;
}

}  // namespace
}  // namespace packswarm::plan
