#include "p2p/swarm/discovery/punches.hpp"

#include <gtest/gtest.h>

namespace packswarm::swarm {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint start{1000s};

LineageId id(int number) {
    LineageId out;
    out.bytes.fill(static_cast<std::uint8_t>(number));
    return out;
}

Candidate one(int host, int lineage = 1) {
    return {id(lineage), {lt::make_address("198.51.100." + std::to_string(host)), 26881}};
}

TEST(Punches, AnEndpointHasThreeAttemptsInFiveMinutesWithAPauseBetweenThem) {
    Punches punches;
    EXPECT_TRUE(punches.want(one(1), start));
    EXPECT_FALSE(punches.want(one(1), start + 1s)) << "the first one is under way";
    EXPECT_TRUE(punches.want(one(1), start + 10s));
    EXPECT_TRUE(punches.want(one(1), start + 20s));
    EXPECT_FALSE(punches.want(one(1), start + 30s));
    EXPECT_EQ(punches.take().size(), 3U);
    EXPECT_TRUE(punches.is_empty());
    EXPECT_TRUE(punches.want(one(1), start + 20s + limits::dials_remembered));
}

TEST(Punches, AreFewInAllHoweverManyEndpointsAreNamed) {
    Punches punches;
    int wanted = 0;
    for (int host = 1; host < 200; ++host) wanted += punches.want(one(host), start) ? 1 : 0;
    EXPECT_EQ(wanted, static_cast<int>(limits::punch_burst));
    EXPECT_FALSE(punches.want(one(201), start));
    EXPECT_TRUE(punches.want(one(201), start + 2s)) << "one every two seconds";
    EXPECT_FALSE(punches.want(one(202), start + 2s));
}

TEST(Punches, ThoseThatWaitAreBounded) {
    Punches punches;
    for (int second = 0; second < 400; ++second) punches.want(one(second % 200, second / 200), start + second * 1s);
    EXPECT_EQ(punches.take().size(), limits::max_waiting_punches);
}

TEST(Punches, WhoseRouterWasOpenedIsKnownForAWhile) {
    Punches punches;
    punches.want(one(1), start);
    EXPECT_TRUE(punches.knows(one(1).endpoint.address()));
    EXPECT_FALSE(punches.knows(one(2).endpoint.address()));
    punches.expire(start + limits::dials_remembered);
    EXPECT_FALSE(punches.knows(one(1).endpoint.address()));
}

TEST(Punches, WhoNamedAnEndpointIsAskedFirst) {
    Punches punches;
    const auto namer = lt::make_address("192.0.2.1");
    punches.named(one(1), namer);
    EXPECT_EQ(punches.namer(one(1)), namer);
    EXPECT_EQ(punches.namer(one(1, 2)), std::nullopt) << "in another swarm";
}

}  // namespace
}  // namespace packswarm::swarm
