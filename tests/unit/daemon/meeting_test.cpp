#include "p2p/daemon/meeting.hpp"

#include <gtest/gtest.h>

namespace packswarm::daemon {
namespace {

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

TEST(Meeting, ByDefaultItIsTheLocalNetworkAndSaysSo) {
    const auto meeting = meeting_of(Config{}, {});
    EXPECT_TRUE(meeting.is_lan_only());
    EXPECT_TRUE(has(scope_text(meeting), "the local network only, as by default")) << scope_text(meeting);
    EXPECT_EQ(reach_text(meeting), "");
    const auto check = check_meeting(meeting);
    EXPECT_STREQ(check.state, "warn") << "nobody is there to help in an outage";
    EXPECT_TRUE(has(check.remedy, "packswarm setup internet"));
}

TEST(Meeting, WhoLooksNowhereCanMeetNobody) {
    Config config;
    config.swarm.lan_discovery = false;
    const auto check = check_meeting(meeting_of(config, {}));
    EXPECT_STREQ(check.state, "warn");
    EXPECT_TRUE(has(check.message, "nobody can be met"));
}

TEST(Meeting, WhoIsConnectedIsFine) {
    auto meeting = meeting_of(Config{}, {});
    meeting.linked = 1;
    EXPECT_STREQ(check_meeting(meeting).state, "ok");
    EXPECT_TRUE(has(check_meeting(meeting).message, "1 agent is connected"));
}

TEST(Meeting, EachModeIsNamed) {
    Config config;
    config.swarm.internet = swarm::Internet::find;
    swarm::DiscoveryView view;
    EXPECT_TRUE(has(scope_text(meeting_of(config, view)), "not announced"));
    EXPECT_TRUE(has(check_meeting(meeting_of(config, view)).message, "no node of the DHT answers"));
    view.dht_nodes = 9;
    EXPECT_TRUE(has(check_meeting(meeting_of(config, view)).message, "so far"));
    config.swarm.internet = swarm::Internet::find_and_be_found;
    EXPECT_TRUE(has(scope_text(meeting_of(config, view)), "is announced"));
    config.swarm.internet = swarm::Internet::off;
    config.swarm.dht_nodes = {"192.0.2.1:1"};
    EXPECT_TRUE(has(scope_text(meeting_of(config, view)), "a DHT of swarm.dht_nodes"));
    EXPECT_FALSE(meeting_of(config, view).is_lan_only());
}

TEST(Meeting, ReachableIsSaidOnlyOnceSomebodyHasComeFromOutside) {
    Config config;
    config.swarm.internet = swarm::Internet::find;
    swarm::DiscoveryView view;
    EXPECT_TRUE(has(reach_text(meeting_of(config, view)), "two such machines meet only through a third"));
    view.mapped_port = 26881;
    EXPECT_TRUE(has(reach_text(meeting_of(config, view)), "opened port 26881"));
    view.was_reached = true;
    EXPECT_TRUE(has(reach_text(meeting_of(config, view)), "reachable from outside"));
}

}  // namespace
}  // namespace packswarm::daemon
