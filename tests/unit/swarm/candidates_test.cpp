#include "p2p/swarm/discovery/candidates.hpp"

#include <gtest/gtest.h>

#include <set>

#include "p2p/swarm/discovery/guard.hpp"

namespace packswarm::test {
namespace {

using namespace std::chrono_literals;
using swarm::Candidate;
using swarm::Candidates;
using swarm::Namer;

constexpr auto everything = [](const Candidate&) { return true; };

lt::tcp::endpoint at(const std::string& address, int port) {
    return {lt::make_address(address), static_cast<std::uint16_t>(port)};
}
Namer pex(const std::string& who) { return {Namer::Way::pex, lt::make_address(who)}; }

class CandidatesTest : public ::testing::Test {
  protected:
    std::vector<lt::tcp::endpoint> dialled(std::size_t most = SIZE_MAX) {
        std::vector<lt::tcp::endpoint> out;
        while (out.size() < most) {
            const auto next = candidates.next(now, everything);
            if (!next) break;
            out.push_back(next->endpoint);
        }
        return out;
    }
    void name(const lt::tcp::endpoint& endpoint, const Namer& namer = pex("192.0.2.1")) {
        candidates.name({swarm, endpoint}, namer, now);
    }
    // Different addresses.
    void name_many(int count, const Namer& namer) {
        for (int i = 0; i < count; ++i, ++named_)
            name(at("198.51." + std::to_string(named_ / 250) + "." + std::to_string(named_ % 250 + 1), 7000), namer);
    }

    swarm::LineageId swarm = swarm::LineageId::from_raw("aaaaaaaaaaaaaaaaaaaa");
    TimePoint now{1h};
    Candidates candidates;
    int named_ = 0;
};

TEST_F(CandidatesTest, OfOneAddressAFewPortsAreDialledWhoeverNamesThem) {
    for (int port = 2000; port < 2400; ++port)
        name(at("203.0.113.7", port), pex("192.0.2." + std::to_string(port % 50 + 1)));
    EXPECT_EQ(dialled().size(), limits::max_address_dials);
    for (int port = 3000; port < 3400; ++port) name(at("203.0.113.7", port), {Namer::Way::lan, {}});
    now += limits::dials_remembered - 1min;
    for (int port = 4000; port < 4400; ++port) name(at("203.0.113.7", port), {Namer::Way::tracker, {}});
    EXPECT_TRUE(dialled().empty());
}

TEST_F(CandidatesTest, AgentsBehindOneAddressAreDialledAndAgainAfterAWhile) {
    const std::vector<lt::tcp::endpoint> household = {at("203.0.113.7", 26881), at("203.0.113.7", 26882),
                                                      at("203.0.113.7", 26883)};
    for (const auto& one : household) name(one);
    EXPECT_EQ(dialled(), household);
    for (const auto& one : household) name(one);
    EXPECT_TRUE(dialled().empty()) << "libtorrent has them";
    now += limits::dials_remembered + 10s;
    for (const auto& one : household) name(one);
    EXPECT_EQ(dialled(), household);
}

TEST_F(CandidatesTest, OnlyAFewAreDialledEachSecond) {
    name_many(limits::max_namer_candidates, pex("192.0.2.1"));
    EXPECT_EQ(dialled().size(), static_cast<std::size_t>(limits::dial_burst));
    std::size_t more = 0;
    for (int tenth = 0; tenth < 50; ++tenth) {
        now += 100ms;
        more += dialled().size();
    }
    EXPECT_NEAR(static_cast<double>(more), 5 * limits::dials_per_second, 1);
}

TEST_F(CandidatesTest, WhoNamesLittleIsNotBehindWhoNamesMuch) {
    name_many(limits::max_namer_candidates, pex("192.0.2.1"));
    name_many(limits::max_namer_candidates, pex("192.0.2.2"));
    const auto honest = at("203.0.113.9", 26881);
    name(honest, {Namer::Way::tracker, {}});
    const auto first = dialled(3);
    EXPECT_NE(std::find(first.begin(), first.end(), honest), first.end());
}

TEST_F(CandidatesTest, WhatWaitsIsForgottenWithWhoNamedIt) {
    name_many(100, pex("192.0.2.1"));
    name(at("203.0.113.9", 26881), pex("192.0.2.2"));
    candidates.forget(pex("192.0.2.1"));
    EXPECT_EQ(dialled(), std::vector{at("203.0.113.9", 26881)});
    EXPECT_EQ(candidates.waiting(), 0U);
}

TEST_F(CandidatesTest, WhatWaitsIsBounded) {
    for (int peer = 1; peer < 40; ++peer) name_many(200, pex("192.0.2." + std::to_string(peer)));
    EXPECT_EQ(candidates.waiting(), limits::max_candidates);
    candidates.leave(swarm);
    EXPECT_EQ(candidates.waiting(), 0U);
}

TEST_F(CandidatesTest, WhatIsNotWantedAnyMoreCostsNothing) {
    name_many(100, pex("192.0.2.1"));
    EXPECT_FALSE(candidates.next(now, [](const Candidate&) { return false; }));
    EXPECT_EQ(candidates.waiting(), 0U);
    name_many(100, pex("192.0.2.1"));
    EXPECT_EQ(dialled().size(), static_cast<std::size_t>(limits::dial_burst));
}

// Each knows the first, and of the others what its budget lets it dial; whoever was dialled needs not dial back.
TEST_F(CandidatesTest, InACrowdOf450EverybodyHasHisFiftyConnectionsWithinTenSeconds) {
    constexpr std::size_t crowd = 450, wanted = 50;
    std::vector<std::set<std::size_t>> links(crowd);
    std::vector<Candidates> agents(crowd);
    const auto endpoint = [](std::size_t i) {
        return at("198.51." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1), 26881);
    };
    const auto index = [](const lt::tcp::endpoint& one) {
        const auto bytes = one.address().to_v4().to_bytes();
        return std::size_t{bytes[2]} * 250 + bytes[3] - 1;
    };
    for (std::size_t i = 0; i < crowd; ++i)
        for (std::size_t step = 1; step <= 100; ++step)
            agents[i].name({swarm, endpoint((i + step * 37) % crowd)}, {Namer::Way::tracker, {}}, now);
    for (int tenth = 0; tenth <= 100; ++tenth, now += 100ms)
        for (std::size_t i = 0; i < crowd; ++i)
            while (const auto next = agents[i].next(
                       now, [&](const Candidate& one) { return links[i].count(index(one.endpoint)) == 0; })) {
                links[i].insert(index(next->endpoint));
                links[index(next->endpoint)].insert(i);
            }
    EXPECT_TRUE(std::all_of(links.begin(), links.end(), [](const auto& one) { return one.size() >= wanted; }));
}

TEST(Guard, NothingOfThisMachineItsLinkOrPrivilegedIsDialledBecauseSomebodySaysSo) {
    swarm::Guard guard("");
    const TimePoint now{1h};
    for (const auto* address : {"127.0.0.1", "127.3.2.1", "0.0.0.0", "169.254.169.254", "224.0.0.1", "255.255.255.255",
                                "::1", "fe80::1", "ff02::1", "::ffff:127.0.0.1"})
        EXPECT_FALSE(guard.lets(at(address, 26881), now)) << address;
    for (const int port : {22, 25, 53, 80, 443, 1023}) EXPECT_FALSE(guard.lets(at("198.51.100.7", port), now)) << port;
    for (const auto* address : {"198.51.100.7", "10.99.98.97", "2001:db8::7"})
        EXPECT_TRUE(guard.lets(at(address, 26881), now)) << address;
}

TEST(Guard, OnALinkWithoutARouterNeighboursMeet) {
    swarm::Guard guard("");
    const TimePoint now{1h};
    for (const auto* address : {"169.254.7.8", "fe80::7"})
        EXPECT_TRUE(guard.lets(at(address, 26881), now, true)) << address;
    EXPECT_FALSE(guard.lets(at("127.0.0.1", 26881), now, true));
    EXPECT_FALSE(guard.lets(at("169.254.169.254", 80), now, true));
}

TEST(Guard, WhoListensOnTheLoopbackMeetsOthersThere) {
    swarm::Guard guard("127.0.0.2");
    const TimePoint now{1h};
    EXPECT_TRUE(guard.lets(at("127.0.0.3", 26881), now));
    EXPECT_TRUE(guard.lets(at("127.0.0.1", 26881), now));
    EXPECT_FALSE(guard.lets(at("169.254.1.1", 26881), now));
    EXPECT_FALSE(guard.lets(at("127.0.0.3", 631), now));
}

}  // namespace
}  // namespace packswarm::test
