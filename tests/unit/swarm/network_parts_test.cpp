#include "p2p/swarm/network_parts.hpp"

#include <gtest/gtest.h>

#include "p2p/base/limits.hpp"

namespace packswarm::swarm {
namespace {

lt::address at(const std::string& text) { return lt::make_address(text); }

TEST(NetworkParts, CountTheAddressesOfOneCustomerTogether) {
    NetworkParts parts;
    parts.set_bound(1'000);
    EXPECT_FALSE(parts.count(at("192.0.2.1"), 600, {}));
    EXPECT_FALSE(parts.is_used_up(at("192.0.2.1")));
    EXPECT_TRUE(parts.count(at("192.0.2.200"), 400, {})) << "told when it happens";
    EXPECT_FALSE(parts.count(at("192.0.2.200"), 400, {})) << "and once";
    EXPECT_TRUE(parts.is_used_up(at("192.0.2.7")));
    EXPECT_FALSE(parts.is_used_up(at("192.0.3.1")));
    parts.count(at("2001:db8:1:1::1"), 1'000, {});
    EXPECT_TRUE(parts.is_used_up(at("2001:db8:1:ffff::1")));
    EXPECT_FALSE(parts.is_used_up(at("2001:db8:2::1")));
}

TEST(NetworkParts, HaveNoBoundWithoutAQuota) {
    NetworkParts parts;
    parts.count(at("192.0.2.1"), 1LL << 50, {});
    EXPECT_FALSE(parts.is_used_up(at("192.0.2.1")));
    parts.set_bound(1'000);
    EXPECT_TRUE(parts.is_used_up(at("192.0.2.1"))) << "what was given before counts when the owner sets one";
}

TEST(NetworkParts, AreForgottenAfterAMonth) {
    NetworkParts parts;
    parts.set_bound(1'000);
    parts.count(at("192.0.2.1"), 1'000, {});
    parts.count(at("198.51.100.1"), 1, TimePoint{} + std::chrono::hours(24 * 29));
    EXPECT_TRUE(parts.is_used_up(at("192.0.2.1")));
    parts.count(at("198.51.100.1"), 1, TimePoint{} + std::chrono::hours(24 * 31));
    EXPECT_FALSE(parts.is_used_up(at("192.0.2.1")));
}

TEST(NetworkParts, WhoeverTookMostIsRememberedAmongVeryMany) {
    NetworkParts parts;
    parts.set_bound(1'000);
    parts.count(at("192.0.2.1"), 1'000, {});
    for (std::size_t one = 0; one < 2 * limits::max_counted_networks; ++one)
        parts.count(lt::address_v4(static_cast<std::uint32_t>(0x0b000000 + (one << 8))), 10, {});
    EXPECT_TRUE(parts.is_used_up(at("192.0.2.1")));
}

}  // namespace
}  // namespace packswarm::swarm
