#include "p2p/web/guard.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <ifaddrs.h>
#include <netinet/in.h>

namespace packswarm::web {
namespace {

sockaddr_storage address(const std::string& text, unsigned port) {
    sockaddr_storage out{};
    auto& four = reinterpret_cast<sockaddr_in&>(out);
    auto& six = reinterpret_cast<sockaddr_in6&>(out);
    if (::inet_pton(AF_INET, text.c_str(), &four.sin_addr) == 1) {
        four.sin_family = AF_INET;
        four.sin_port = htons(static_cast<std::uint16_t>(port));
    } else if (::inet_pton(AF_INET6, text.c_str(), &six.sin6_addr) == 1) {
        six.sin6_family = AF_INET6;
        six.sin6_port = htons(static_cast<std::uint16_t>(port));
    }
    return out;
}

bool may_be_asked(const std::string& text, unsigned port, const broker::Guard& guard = {}) {
    const auto storage = address(text, port);
    EXPECT_NE(storage.ss_family, AF_UNSPEC) << text;
    return !reason_against(reinterpret_cast<const sockaddr&>(storage), guard);
}

TEST(GuardTest, WhatIsOfThisMachineOrItsLinkIsAskedForNobodyElse) {
    for (const char* text : {"127.0.0.1", "127.9.9.9", "0.0.0.0", "169.254.169.254", "224.0.0.1", "255.255.255.255",
                             "::", "::1", "fe80::1", "febf::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.1.1",
                             "64:ff9b::127.0.0.1", "::127.0.0.1", "::0.0.1.1"})
        EXPECT_FALSE(may_be_asked(text, 80)) << text;
}

TEST(GuardTest, WhatIsElsewhereIsAskedAtPortsOfMirrors) {
    for (const char* text : {"198.51.100.7", "10.1.2.3", "192.168.77.1", "2001:db8::7", "::ffff:198.51.100.7",
                             "64:ff9b::198.51.100.7", "fd00:77::1"}) {
        EXPECT_TRUE(may_be_asked(text, 80)) << text;
        EXPECT_TRUE(may_be_asked(text, 443)) << text;
        EXPECT_FALSE(may_be_asked(text, 22)) << text;
        EXPECT_FALSE(may_be_asked(text, 8080)) << text;
        EXPECT_TRUE(may_be_asked(text, 8080, {{8080}})) << text;
    }
}

TEST(GuardTest, AddressesOfItsInterfacesAreThisMachine) {
    ifaddrs* all = nullptr;
    ASSERT_EQ(::getifaddrs(&all), 0);
    for (const auto* one = all; one != nullptr; one = one->ifa_next)
        if (one->ifa_addr != nullptr && (one->ifa_addr->sa_family == AF_INET || one->ifa_addr->sa_family == AF_INET6))
            EXPECT_TRUE(reason_against(*one->ifa_addr, {}));
    ::freeifaddrs(all);
}

}  // namespace
}  // namespace packswarm::web
