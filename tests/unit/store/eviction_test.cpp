#include "p2p/store/eviction.hpp"

#include <gtest/gtest.h>

namespace packswarm::store {
namespace {

Digest numbered(int number) {
    Digest out;
    out.bytes[0] = static_cast<std::uint8_t>(number);
    return out;
}

Candidate candidate(int number, Worth worth, std::uint64_t last_use, bool in_use = false, std::size_t replicas = 0) {
    return {numbered(number), 10, worth, in_use, replicas, last_use};
}

std::vector<int> order(std::vector<Candidate> candidates, Lack lack, ByteCount slack = 0) {
    std::vector<int> out;
    for (const auto& digest : choose_victims(std::move(candidates), lack, slack)) out.push_back(digest.bytes[0]);
    return out;
}

TEST(Eviction, TakesOrphansThenSupersededThenPackagesByUseThenOpenOnesThenIndexes) {
    const std::vector<Candidate> all = {
        candidate(1, Worth::index, 1),       candidate(2, Worth::package, 9),          candidate(3, Worth::package, 2),
        candidate(4, Worth::superseded, 50), candidate(5, Worth::superseded, 3, true), candidate(6, Worth::orphan, 0),
        candidate(7, Worth::index, 0),       candidate(8, Worth::superseded, 40),
    };
    EXPECT_EQ(order(all, {80}), (std::vector<int>{6, 8, 4, 3, 2, 5, 7, 1}));
    EXPECT_EQ(order(all, {11}), (std::vector<int>{6, 8}));
}

TEST(Eviction, TakesWhatMostPeersHaveBeforeWhatWasNotUsedForLongest) {
    const std::vector<Candidate> all = {
        candidate(1, Worth::package, 1),
        candidate(2, Worth::package, 9, false, 3),
        candidate(3, Worth::package, 4, false, 12),
        candidate(4, Worth::package, 2, false, 3),
        candidate(5, Worth::superseded, 50),
        candidate(6, Worth::package, 0, true, 99),
    };
    EXPECT_EQ(order(all, {60}), (std::vector<int>{5, 3, 4, 2, 1, 6}));
}

TEST(Eviction, TakesNothingWhenEverythingWouldNotDo) {
    EXPECT_TRUE(order({candidate(1, Worth::package, 1), candidate(2, Worth::package, 2)}, {21}).empty());
}

TEST(Eviction, FreesALittleMoreButNotIndexesNorWhatIsOpen) {
    const std::vector<Candidate> all = {candidate(1, Worth::package, 1), candidate(2, Worth::package, 2),
                                        candidate(3, Worth::package, 3, true), candidate(4, Worth::index, 4)};
    EXPECT_EQ(order(all, {10}, 10), (std::vector<int>{1, 2}));
    EXPECT_EQ(order(all, {10}, 1000), (std::vector<int>{1, 2}));
    EXPECT_EQ(order(all, {40}, 1000), (std::vector<int>{1, 2, 3, 4}));
}

TEST(Eviction, FreesFilesToo) {
    const std::vector<Candidate> all = {candidate(1, Worth::package, 1), candidate(2, Worth::package, 2),
                                        candidate(3, Worth::superseded, 3), candidate(4, Worth::index, 4)};
    EXPECT_EQ(order(all, {-1000, 2}), (std::vector<int>{3, 1}));
    EXPECT_EQ(order(all, {30, 1}), (std::vector<int>{3, 1, 2})) << "bytes as well";
    EXPECT_EQ(order(all, {-1000, 1}, 1000), (std::vector<int>{3})) << "and no more: none is large";
    std::vector<Candidate> many;
    for (int number = 0; number < 128; ++number) many.push_back(candidate(number, Worth::package, 1));
    EXPECT_EQ(order(many, {-1000, 1}, 1000).size(), 2u) << "one in 64";
    EXPECT_EQ(order(many, {10, 1}, 1000).size(), 101u) << "as many bytes as for the quota alone";
    EXPECT_TRUE(order(all, {-1000, 5}).empty()) << "nothing for nothing";
}

TEST(Eviction, TakesForTheDisksSakeNothingThatIsOpen) {
    const std::vector<Candidate> all = {candidate(1, Worth::package, 1), candidate(2, Worth::package, 2, true),
                                        candidate(3, Worth::index, 3)};
    EXPECT_EQ(order(all, {-1000, 2}), (std::vector<int>{1, 3}));
    EXPECT_EQ(order(all, {-1000, 0, 20}), (std::vector<int>{1, 3}));
    EXPECT_TRUE(order(all, {-1000, 3}).empty()) << "its inode is not free before its last handle closes";
    EXPECT_TRUE(order(all, {-1000, 0, 30}).empty());
    EXPECT_EQ(order(all, {30, 2}), (std::vector<int>{1, 2, 3})) << "for the quota's it counts";
}

}  // namespace
}  // namespace packswarm::store
