#include "p2p/swarm/channel/introduction.hpp"

#include <gtest/gtest.h>

namespace packswarm::swarm {
namespace {

Introduction of(const char* address, std::uint16_t port, Introduction::Kind kind = Introduction::Kind::wish) {
    return {kind, {lt::make_address(address), port}};
}

TEST(Introduction, ComesBackAsItWasSent) {
    for (const auto& one : {of("192.0.2.1", 26881), of("2001:db8::1", 1, Introduction::Kind::call),
                            of("255.255.255.255", 65535, Introduction::Kind::call)}) {
        const auto bytes = encode(one);
        const auto back = decode_introduction(bytes);
        ASSERT_TRUE(back);
        EXPECT_EQ(*back, one);
        EXPECT_EQ(encode(one, 6).size(), bytes.size() + 6);
    }
    EXPECT_EQ(as_text(encode(of("1.2.3.4", 258))), std::string_view("\x01\x01\x02\x03\x04\x01\x02", 7));
}

TEST(Introduction, WhatIsNotExactlyRightIsRefused) {
    const auto good = encode(of("192.0.2.1", 26881));
    for (std::size_t size = 0; size < good.size(); ++size)
        EXPECT_FALSE(decode_introduction(ByteView(good).first(size))) << size;
    auto longer = good;
    longer.push_back(0);
    EXPECT_FALSE(decode_introduction(longer));
    for (const char kind : {0, 3, -1}) {
        auto other = good;
        other[0] = kind;
        EXPECT_FALSE(decode_introduction(other));
    }
    EXPECT_FALSE(decode_introduction(encode(of("192.0.2.1", 0))));
}

}  // namespace
}  // namespace packswarm::swarm
