#include "p2p/base/ip_network.hpp"

#include <gtest/gtest.h>

namespace packswarm {
namespace {

TEST(IpNetwork, ContainsTheAddressesOfItsRange) {
    const auto net = IpNetwork::parse("10.9.128.0/17").value();
    EXPECT_TRUE(net.contains("10.9.128.0"));
    EXPECT_TRUE(net.contains("10.9.255.255"));
    EXPECT_TRUE(net.contains("::ffff:10.9.200.1"));
    EXPECT_FALSE(net.contains("10.9.127.255"));
    EXPECT_FALSE(net.contains("10.10.128.0"));
    EXPECT_FALSE(net.contains("a09:8000::"));
    EXPECT_FALSE(net.contains("nonsense"));
    EXPECT_TRUE(IpNetwork::parse("198.51.100.7")->contains("198.51.100.7"));
    EXPECT_FALSE(IpNetwork::parse("198.51.100.7")->contains("198.51.100.8"));
    EXPECT_TRUE(IpNetwork::parse("0.0.0.0/0")->contains("203.0.113.9"));
    EXPECT_TRUE(IpNetwork::parse("fe80::/10")->contains("febf::1"));
    EXPECT_FALSE(IpNetwork::parse("fe80::/10")->contains("fec0::1"));
}

TEST(IpNetwork, RefusesWhatIsNone) {
    for (const char* text :
         {"", "wlan0", "10.9.0.0/33", "10.9.0.0/", "10.9.0.0/-1", "10.9.0.0/8x", "10.9/16", "2001:db8::/129", "[::1]"})
        EXPECT_FALSE(IpNetwork::parse(text)) << text;
}

TEST(IpNetwork, OfAnAddressIsWhatItsFirstBitsSay) {
    EXPECT_EQ(network_of("192.0.2.77", 24, 48), "192.0.2.0/24");
    EXPECT_EQ(network_of("::ffff:192.0.2.77", 24, 48), "192.0.2.0/24");
    EXPECT_EQ(network_of("192.0.2.77", 32, 64), "192.0.2.77/32");
    EXPECT_EQ(network_of("10.9.200.1", 17, 48), "10.9.128.0/17");
    EXPECT_EQ(network_of("2001:db8:1:2:3::4", 24, 48), "2001:db8:1::/48");
    EXPECT_EQ(network_of("2001:db8:1:2:3::4", 24, 128), "2001:db8:1:2:3::4/128");
    EXPECT_EQ(network_of("fe80::1%eth0", 24, 48), "fe80::1%eth0");
}

}  // namespace
}  // namespace packswarm
