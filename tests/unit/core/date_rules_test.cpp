// What the rules mean for a root: freshness_test.cpp.
#include "p2p/core/date_rules.hpp"

#include <gtest/gtest.h>

namespace packswarm::core {
namespace {

TEST(LabelledTime, OfALabelGoesBeforeTheOneForAll) {
    LabelledTime time{Seconds(10), {{"debian-security", Seconds(20)}}};
    EXPECT_EQ(time.of("Debian"), Seconds(10));
    EXPECT_EQ(time.of("Debian-Security"), Seconds(20)) << "in any case of letters";
    EXPECT_EQ(time.of(""), Seconds(10));
}

TEST(DateRules, WithoutAnySettingAreApts) {
    const DateRules rules;
    EXPECT_TRUE(rules.check_dates);
    EXPECT_TRUE(rules.check_valid_until);
    EXPECT_EQ(rules.max_future.of("Debian"), Seconds(10));
    EXPECT_EQ(rules.max_age.of("Debian"), Seconds(0)) << "for ever";
}

}  // namespace
}  // namespace packswarm::core
