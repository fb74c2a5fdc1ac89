#include "p2p/daemon/surroundings.hpp"

#include <gtest/gtest.h>

namespace packswarm::daemon {
namespace {

using Names = std::vector<std::string>;

// As the kernel prints them: hexadecimal in the machine's byte order, so these are for little-endian machines.
const std::string head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
std::string route(const std::string& interface, const std::string& destination, int metric, const std::string& mask,
                  const std::string& flags = "0003") {
    return interface + "\t" + destination + "\t0100000A\t" + flags + "\t0\t0\t" + std::to_string(metric) + "\t" + mask +
           "\t0\t0\t0\n";
}

TEST(Surroundings, FindTheInterfaceOfTheBestDefaultRoute) {
    const auto text = head + route("wwan0", "00000000", 700, "00000000") + route("eth0", "00000000", 100, "00000000") +
                      route("eth0", "0000000A", 100, "00FFFFFF", "0001");
    EXPECT_EQ(default_interfaces(text, ""), Names{"eth0"});
    EXPECT_EQ(default_interfaces(head + route("wwan0", "00000000", 700, "00000000"), ""), Names{"wwan0"});
    EXPECT_TRUE(default_interfaces(head, "").empty());
    EXPECT_TRUE(default_interfaces("", "").empty());
    EXPECT_TRUE(default_interfaces(head + "eth0\tnonsense\n", "garbage").empty());
}

TEST(Surroundings, TakeATunnelThatHalvesTheWholeForTheWayOut) {
    const auto text = head + route("wlan0", "00000000", 600, "00000000") + route("tun0", "00000000", 50, "00000080") +
                      route("tun0", "00000080", 50, "00000080");
    EXPECT_EQ(default_interfaces(text, ""), Names{"tun0"});
}

TEST(Surroundings, ReadRoutesOfIpv6) {
    const std::string zero(32, '0');
    const auto line = [&](const std::string& metric, const std::string& flags, const std::string& interface) {
        return zero + " 00 " + zero + " 00 fe800000000000000000000000000001 " + metric + " 00000001 00000000 " + flags +
               " " + interface + "\n";
    };
    const auto unreachable = line("ffffffff", "00200200", "lo");
    EXPECT_EQ(default_interfaces("", line("00000400", "00000003", "wlan0") + unreachable), Names{"wlan0"});
    EXPECT_TRUE(default_interfaces("", unreachable).empty());
    EXPECT_EQ(
        default_interfaces(head + route("eth0", "00000000", 100, "00000000"), line("00000400", "00000003", "wlan0")),
        (Names{"eth0", "wlan0"}));
}

TEST(Surroundings, NameTheLoopbackAddressOfThisMachine) {
    const auto now = look_around();
    EXPECT_NE(std::find(now.addresses.begin(), now.addresses.end(), core::Surroundings::Address{"lo", "127.0.0.1"}),
              now.addresses.end());
}

}  // namespace
}  // namespace packswarm::daemon
