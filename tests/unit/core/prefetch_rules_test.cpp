#include "p2p/core/prefetch_rules.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace packswarm::core {
namespace {

PrefetchRules on() {
    PrefetchRules rules;
    rules.is_enabled = true;
    return rules;
}

Circumstances at_home() {
    Circumstances now;
    now.network = {{"eth0"}, {{"eth0", "192.0.2.7"}}};
    now.is_metered = now.is_on_battery = false;
    now.minute_of_day = 12 * 60;
    now.room = limits::gib;
    return now;
}

std::string limit_of(const PrefetchRules& rules, const Circumstances& now, const SharingRules& networks = {}) {
    const auto verdict = judge_prefetch(rules, networks, now);
    EXPECT_EQ(verdict.may_run, verdict.limit.empty());
    EXPECT_EQ(verdict.may_run, verdict.reason.empty());
    return verdict.limit;
}

TEST(PrefetchRules, AreOffUnlessTheOwnerWantsIt) {
    EXPECT_EQ(limit_of({}, at_home()), "prefetch.enabled");
    EXPECT_EQ(judge_prefetch(on(), {}, at_home()), PrefetchVerdict{});
}

TEST(PrefetchRules, StopOnAMeteredConnection) {
    auto now = at_home();
    now.is_metered = true;
    EXPECT_EQ(limit_of(on(), now), "prefetch.on_metered");
    auto rules = on();
    rules.on_metered = true;
    EXPECT_EQ(limit_of(rules, now), "");
}

TEST(PrefetchRules, StopOnBattery) {
    auto now = at_home();
    now.is_on_battery = true;
    EXPECT_EQ(limit_of(on(), now), "prefetch.on_battery");
    auto rules = on();
    rules.on_battery = true;
    EXPECT_EQ(limit_of(rules, now), "");
}

TEST(PrefetchRules, StopWhileNobodyCanSayWhatItCosts) {
    auto now = at_home();
    now.is_metered.reset();
    EXPECT_EQ(limit_of(on(), now), "prefetch.on_metered");
    auto rules = on();
    rules.on_metered = true;
    EXPECT_EQ(limit_of(rules, now), "") << "it may cost what it likes";
    now.is_on_battery.reset();
    EXPECT_EQ(limit_of(rules, now), "prefetch.on_battery");
    rules.on_battery = true;
    EXPECT_EQ(limit_of(rules, now), "");
}

TEST(PrefetchRules, StopWhileTheWayOutIsATunnel) {
    auto now = at_home();
    for (const char* name : {"tun0", "wg0", "ppp1", "vpn-work", "ipsec0"}) {
        now.network.default_interfaces = {"eth0", name};
        EXPECT_EQ(limit_of(on(), now), "prefetch.on_vpn") << name;
    }
    auto rules = on();
    rules.on_vpn = true;
    EXPECT_EQ(limit_of(rules, now), "");
    now.network.default_interfaces = {"wlan0", "enp3s0"};
    EXPECT_EQ(limit_of(on(), now), "");
}

TEST(PrefetchRules, StopWhereTheOwnerWantsNothingToBeGiven) {
    SharingRules networks;
    networks.not_on_interfaces = {"eth*"};
    EXPECT_EQ(limit_of(on(), at_home(), networks), "sharing.not_on_interfaces");
    networks.not_on_interfaces.clear();
    networks.not_on_networks = {*IpNetwork::parse("192.0.2.0/24")};
    EXPECT_EQ(limit_of(on(), at_home(), networks), "sharing.not_on_networks");
    networks.is_enabled = false;
    EXPECT_EQ(limit_of(on(), at_home(), networks), "sharing.not_on_networks") << "giving is another matter";
}

TEST(PrefetchRules, KeepToTheHoursOfTheDay) {
    auto rules = on();
    auto now = at_home();
    rules.hours = "01:00-06:00";
    EXPECT_EQ(limit_of(rules, now), "prefetch.hours");
    now.minute_of_day = 60;
    EXPECT_EQ(limit_of(rules, now), "");
    now.minute_of_day = 359;
    EXPECT_EQ(limit_of(rules, now), "");
    now.minute_of_day = 360;
    EXPECT_EQ(limit_of(rules, now), "prefetch.hours");
    rules.hours = "22:30-06:30";
    EXPECT_EQ(limit_of(rules, now), "") << "over midnight";
    now.minute_of_day = 12 * 60;
    EXPECT_EQ(limit_of(rules, now), "prefetch.hours");
}

TEST(PrefetchRules, NeverRunInHoursThatMeanNothing) {
    auto rules = on();
    for (const char* text : {"1", "01:00", "01:00-", "-06:00", "1:00-6:00", "01:60-02:00", "25:00-26:00", "01.00-06.00",
                             "01:00-01:00", "24:00-01:00", "01:00-06:00 ", "aa:bb-cc:dd"}) {
        rules.hours = text;
        EXPECT_EQ(limit_of(rules, at_home()), "prefetch.hours") << text;
        EXPECT_FALSE(DayHours::parse(text)) << text;
    }
    EXPECT_TRUE(DayHours::parse("18:00-24:00")->contains(23 * 60 + 59));
    EXPECT_FALSE(DayHours::parse("18:00-24:00")->contains(0));
}

TEST(PrefetchRules, StopWhenTheMonthOrTheRoomIsUsedUp) {
    auto rules = on();
    auto now = at_home();
    rules.monthly_quota = 1000;
    now.month = 999;
    EXPECT_EQ(limit_of(rules, now), "");
    now.month = 1000;
    EXPECT_EQ(limit_of(rules, now), "prefetch.monthly_quota");
    rules.monthly_quota = 0;
    EXPECT_EQ(limit_of(rules, now), "") << "no limit";
    now.room = 1000;
    EXPECT_EQ(limit_of(rules, now), "store.quota");
}

TEST(PrefetchRules, StandBehindWhoeverWaits) {
    auto now = at_home();
    now.is_awaited = true;
    EXPECT_EQ(limit_of(on(), now), "somebody waits");
    now.is_metered = true;
    EXPECT_EQ(limit_of(on(), now), "prefetch.on_metered") << "what lasts is named first";
}

Digest digest_of(std::uint32_t number) {
    Digest out;
    std::mt19937 chance(number);
    for (auto& byte : out.bytes) byte = static_cast<std::uint8_t>(chance());
    return out;
}

TEST(PrefetchDelay, IsTheSameForAMachineAndARootAndAnotherForOthers) {
    const auto delay = prefetch_delay(digest_of(1), digest_of(2), usual_window);
    EXPECT_EQ(prefetch_delay(digest_of(1), digest_of(2), usual_window), delay);
    EXPECT_NE(prefetch_delay(digest_of(3), digest_of(2), usual_window), delay);
    EXPECT_NE(prefetch_delay(digest_of(1), digest_of(4), usual_window), delay);
    EXPECT_EQ(prefetch_delay(digest_of(1), digest_of(2), Seconds(0)), Seconds(0));
}

// 3000 machines, one new root: no minute has much more than its part.
TEST(PrefetchDelay, SpreadsMachinesEvenlyOverTheWindow) {
    for (const auto window : {security_window, usual_window}) {
        std::vector<int> minutes(static_cast<std::size_t>(window.count()) / 60);
        for (std::uint32_t machine = 0; machine < 3000; ++machine) {
            const auto delay = prefetch_delay(digest_of(machine), digest_of(77'777), window);
            ASSERT_TRUE(delay >= Seconds(0) && delay < window);
            ++minutes[static_cast<std::size_t>(delay.count()) / 60];
        }
        const auto mean = 3000.0 / static_cast<double>(minutes.size());
        EXPECT_LT(*std::max_element(minutes.begin(), minutes.end()), 3 * mean);
    }
}

}  // namespace
}  // namespace packswarm::core
