#include "p2p/broker/manners.hpp"

#include <gtest/gtest.h>

namespace packswarm::broker {
namespace {

TEST(Manners, OnlyAptHasAnotherWayAndOnlyPacmanObeysDates) {
    EXPECT_TRUE(manners_of("apt").has_other_way);
    EXPECT_FALSE(manners_of("apt").obeys_dates);
    EXPECT_TRUE(manners_of("pacman").obeys_dates);
    EXPECT_FALSE(manners_of("pacman").has_other_way);
    for (const auto* other : {"", "cli", "gateway", "APT", "apt "}) {
        EXPECT_FALSE(manners_of(other).has_other_way) << other;
        EXPECT_FALSE(manners_of(other).obeys_dates) << other;
    }
}

}  // namespace
}  // namespace packswarm::broker
