#include "p2p/swarm/acquaintances.hpp"

#include <gtest/gtest.h>

#include "p2p/base/limits.hpp"
#include "tests/support/lineages.hpp"
#include "tests/support/test_loop.hpp"

namespace packswarm::swarm {
namespace {

using namespace std::chrono_literals;

const auto lineage = test::lineage_of("l"), other = test::lineage_of("other");

struct Memory : broker::PeerMemory {
    std::map<std::pair<core::Lineage, std::string>, core::KnownPeer> rows;
    std::vector<core::KnownPeer> known_peers() override {
        std::vector<core::KnownPeer> out;
        for (const auto& [key, peer] : rows) out.push_back(peer);
        return out;
    }
    void update_peers(const core::PeerBook::Changes& changes) override {
        for (const auto& peer : changes.dropped) rows.erase({peer.lineage, peer.endpoint});
        for (const auto& peer : changes.kept) rows[{peer.lineage, peer.endpoint}] = peer;
    }
    int failures(const std::string& endpoint) const { return rows.at({lineage, endpoint}).failures; }
};

broker::PeerView view(std::uint64_t id, const std::string& endpoint, broker::Reach reach = broker::Reach::wan) {
    broker::PeerView out;
    out.id = broker::PeerId{id};
    out.endpoint = endpoint;
    out.reach = reach;
    out.lineages = {lineage};
    return out;
}

// Addresses that begin with 10 are neighbours.
broker::Reach reach_of(const std::string& endpoint) {
    return endpoint.starts_with("10.") ? broker::Reach::lan : broker::Reach::wan;
}

class AcquaintancesTest : public ::testing::Test {
  protected:
    // What happens between a start and its end two minutes later.
    void start(const std::function<void(Acquaintances&)>& meanwhile = {}) {
        Acquaintances acquaintances(loop, &memory);
        acquaintances.set_reach(reach_of);
        dialled = acquaintances.first_dials(lineage);
        loop.advance(5s);
        if (meanwhile) meanwhile(acquaintances);
        loop.advance(120s);
    }
    void meet(int count) {
        start([&](Acquaintances& acquaintances) {
            for (int i = 1; i <= count; ++i)
                acquaintances.peer_up(view(static_cast<std::uint64_t>(i), "192.0.2." + std::to_string(i) + ":1"));
        });
    }

    test::FakeLoop loop;
    Memory memory;
    std::vector<std::string> dialled;
};

TEST_F(AcquaintancesTest, StartsWithoutANetworkForgetNobodyAndCountAgainstNobody) {
    meet(20);
    for (int i = 0; i < 10; ++i) start();
    EXPECT_EQ(memory.rows.size(), 20U);
    EXPECT_EQ(dialled.size(), 20U);
    for (const auto& [key, peer] : memory.rows) EXPECT_EQ(peer.failures, 0);
}

TEST_F(AcquaintancesTest, WhoDoesNotAnswerWhileAnotherDoesIsForgottenAfterSeveralStarts) {
    meet(20);
    for (int i = 0; i < 4; ++i) start([](Acquaintances& one) { one.peer_up(view(1, "192.0.2.20:1")); });
    EXPECT_EQ(memory.failures("192.0.2.1:1"), 4);
    EXPECT_EQ(memory.failures("192.0.2.20:1"), 0);
    start([](Acquaintances& one) { one.peer_up(view(1, "192.0.2.20:1")); });
    EXPECT_EQ(memory.rows.size(), limits::max_lasting_acquaintances) << "the last eight stay";
}

TEST_F(AcquaintancesTest, ANeighbourThatAnswersDoesNotMakeOthersLookGone) {
    meet(20);
    start([](Acquaintances& one) { one.peer_up(view(1, "10.0.0.1:1", broker::Reach::lan)); });
    EXPECT_EQ(memory.failures("192.0.2.1:1"), 0);
    start([](Acquaintances& one) { one.peer_up(view(1, "198.51.100.1:1")); });
    EXPECT_EQ(memory.failures("192.0.2.1:1"), 1);
    EXPECT_EQ(memory.failures("10.0.0.1:1"), 0) << "no neighbour answered";
}

TEST_F(AcquaintancesTest, WhoIsLinkedAllTheTimeHasAnswered) {
    meet(3);
    Acquaintances acquaintances(loop, &memory);
    acquaintances.peer_up(view(1, "192.0.2.1:1"));
    loop.advance(10s);
    acquaintances.first_dials(lineage);
    loop.advance(120s);
    EXPECT_EQ(memory.failures("192.0.2.1:1"), 0);
    EXPECT_EQ(memory.failures("192.0.2.2:1"), 1);
}

TEST_F(AcquaintancesTest, TheLastEightAreDialledHoweverLittleTheyGave) {
    for (int i = 0; i < 64; ++i) {
        const auto endpoint = "192.0.2." + std::to_string(i) + ":1";
        memory.rows[{lineage, endpoint}] = {lineage, endpoint, loop.wall_now() - Seconds(i), ByteCount{i} * 1000, 0};
    }
    start();
    EXPECT_EQ(dialled.size(), limits::max_first_dials);
    for (int i = 0; i < 8; ++i)
        EXPECT_EQ(std::count(dialled.begin(), dialled.end(), "192.0.2." + std::to_string(i) + ":1"), 1);
    EXPECT_EQ(std::count(dialled.begin(), dialled.end(), "192.0.2.63:1"), 1) << "and those that gave most";
}

TEST_F(AcquaintancesTest, WhoIsBlamedIsForgottenAtOnceThoughItWasTheLastMet) {
    meet(1);
    start([](Acquaintances& one) { one.banned("192.0.2.1"); });
    EXPECT_TRUE(memory.rows.empty());
}

}  // namespace
}  // namespace packswarm::swarm
