#include "p2p/core/sharing_rules.hpp"

#include <gtest/gtest.h>

#include "p2p/base/limits.hpp"

namespace packswarm::core {
namespace {

Surroundings on(const std::string& interface, const std::string& address) {
    return {{interface}, {{interface, address}, {"lo", "127.0.0.1"}}};
}

TEST(SharingRules, GiveToEverybodyUnlessALimitSaysOtherwise) {
    EXPECT_EQ(judge_sharing({}, on("eth0", "192.0.2.7"), 1'000'000), SharingVerdict{});
    SharingRules off;
    off.is_enabled = false;
    const auto verdict = judge_sharing(off, on("eth0", "192.0.2.7"), 0);
    EXPECT_EQ(verdict.audience, Audience::nobody);
    EXPECT_TRUE(verdict.may_fetch) << "taking is another matter";
    EXPECT_EQ(verdict.reason, "sharing.enabled is false");
}

TEST(SharingRules, LeaveOnlyNeighboursWhenTheMonthIsUsedUp) {
    SharingRules rules;
    rules.monthly_quota = 1000;
    EXPECT_EQ(judge_sharing(rules, {}, 999).audience, Audience::everybody);
    EXPECT_EQ(judge_sharing(rules, {}, 1000).audience, Audience::neighbours);
    EXPECT_TRUE(judge_sharing(rules, {}, 1000).may_fetch);
}

TEST(SharingRules, LeaveOneNetworkATenthOfTheMonthAndAtLeastAnUpgrade) {
    SharingRules rules;
    EXPECT_EQ(judge_sharing(rules, {}, 0).each_network, 0) << "nobody can use up what has no end";
    rules.monthly_quota = 50 * limits::gib;
    EXPECT_EQ(judge_sharing(rules, {}, 0).each_network, 5 * limits::gib);
    rules.monthly_quota = 2 * limits::gib;
    EXPECT_EQ(judge_sharing(rules, {}, 0).each_network, limits::gib);
}

TEST(SharingRules, PauseWhileTheDefaultRouteLeadsThroughANamedInterface) {
    SharingRules rules;
    rules.not_on_interfaces = {"ppp*", "wwan0"};
    const auto wwan = judge_sharing(rules, on("wwan0", "192.0.2.7"), 0);
    EXPECT_EQ(wwan.audience, Audience::nobody);
    EXPECT_TRUE(wwan.may_fetch);
    EXPECT_EQ(wwan.reason, "wwan0 is in sharing.not_on_interfaces");
    EXPECT_EQ(judge_sharing(rules, on("ppp3", "192.0.2.7"), 0).audience, Audience::nobody);
    EXPECT_EQ(judge_sharing(rules, on("wwan1", "192.0.2.7"), 0).audience, Audience::everybody);
    EXPECT_EQ(judge_sharing(rules, {{"eth0"}, {{"wwan0", "192.0.2.7"}}}, 0).audience, Audience::everybody)
        << "it is there, but not the way out";
}

TEST(SharingRules, PauseWhileAnAddressIsInANamedNetwork) {
    SharingRules rules;
    rules.not_on_networks = {*IpNetwork::parse("10.9.0.0/16"), *IpNetwork::parse("2001:db8::/32")};
    rules.fetch_while_paused = false;
    const auto verdict = judge_sharing(rules, on("wlan0", "10.9.3.4"), 0);
    EXPECT_EQ(verdict.audience, Audience::nobody);
    EXPECT_FALSE(verdict.may_fetch);
    EXPECT_EQ(verdict.reason, "10.9.3.4 on wlan0 is in 10.9.0.0/16 of sharing.not_on_networks");
    EXPECT_EQ(judge_sharing(rules, on("wlan0", "2001:db8::7"), 0).audience, Audience::nobody);
    EXPECT_EQ(judge_sharing(rules, on("wlan0", "10.10.3.4"), 0), SharingVerdict{});
}

}  // namespace
}  // namespace packswarm::core
