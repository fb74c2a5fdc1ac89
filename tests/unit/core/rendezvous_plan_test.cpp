#include "p2p/core/rendezvous_plan.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>

namespace packswarm::core {
namespace {

using namespace std::chrono_literals;

TEST(RendezvousPlan, WhoIsAloneAnnouncesAgainSoonAndThenEverMoreRarely) {
    Millis before{0};
    for (int done = 1; done < 40; ++done) {
        const auto delay = announce_delay(done, true, 15min, 0);
        EXPECT_GE(delay, before);
        EXPECT_LE(delay, 15min);
        before = delay;
    }
    EXPECT_EQ(announce_delay(1, true, 15min, 0), 1s);
    EXPECT_EQ(announce_delay(4, true, 15min, 0), 8s);
    EXPECT_EQ(before, 15min);
}

TEST(RendezvousPlan, WhoHasCompanyKeepsToTheIntervalAndIsSpreadOut) {
    EXPECT_EQ(announce_delay(1, false, 15min, 0), 15min);
    EXPECT_EQ(announce_delay(1, false, 10min, 0.5), 10min + 30s);
    EXPECT_EQ(announce_delay(1, false, 10min, 7), 11min) << "a chance above one is one";
}

struct Member {
    std::array<std::uint8_t, 16> number{};
    int bits = 0;
};

// Agents that come in groups into one lineage, each of which sees how many are announced where it is. Returns who is
// where.
std::map<std::string, std::size_t> settled(std::size_t agents, std::size_t at_once, std::size_t wanted) {
    std::mt19937_64 chance(agents + at_once);
    std::vector<Member> members;
    std::map<std::string, std::size_t> swarms;
    while (members.size() < agents) {
        for (std::size_t i = 0; i < at_once; ++i) {
            auto& fresh = members.emplace_back();
            for (auto& byte : fresh.number) byte = static_cast<std::uint8_t>(chance());
            ++swarms[""];
        }
        for (int look = 0; look < max_shard_bits; ++look) {
            const auto seen = swarms;
            for (auto& member : members) {
                const auto here = shard_name(member.number, member.bits);
                if (!leaves_for_shard(member.number, member.bits, seen.at(here), wanted)) continue;
                --swarms[here];
                ++swarms[shard_name(member.number, ++member.bits)];
            }
        }
    }
    return swarms;
}

TEST(Shards, ASmallLineageIsOneSwarm) {
    const auto swarms = settled(500, 50, 500);
    EXPECT_EQ(swarms.size(), 1U);
    EXPECT_EQ(swarms.at(""), 500U);
}

TEST(Shards, NoSwarmGrowsFarBeyondWhatIsWantedHoweverAgentsCome) {
    for (const std::size_t at_once : {200U, 3'000U, 12'000U}) {
        const auto swarms = settled(12'000, at_once, 100);
        std::size_t all = 0;
        for (const auto& [name, size] : swarms) {
            EXPECT_LE(size, 100U * 5) << "swarm '" << name << "' with " << at_once << " at once";
            all += size;
        }
        EXPECT_EQ(all, 12'000U);
        EXPECT_GT(swarms.size(), 30U) << at_once;
    }
}

TEST(Shards, ASwarmThatOverflowsIsNotDeserted) { EXPECT_GE(settled(2'000, 10, 500).at(""), 250U); }

TEST(Shards, TheDeepestAreNotLeft) {
    const std::array<std::uint8_t, 16> number{0xa5, 0x0f};
    EXPECT_FALSE(leaves_for_shard(number, max_shard_bits, 1'000'000, 1));
    EXPECT_EQ(shard_name(number, 6), "101001");
    EXPECT_EQ(shard_name(number, 99).size(), static_cast<std::size_t>(max_shard_bits));
    EXPECT_EQ(shard_name(number, 0), "");
}

}  // namespace
}  // namespace packswarm::core
