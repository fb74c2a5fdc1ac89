#include "p2p/swarm/tally.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace packswarm::swarm {
namespace {

TEST(Tally, LeavesEachItsFirstFewWhateverTheOthersDo) {
    Tally tally(10, 2);
    auto greedy = std::make_unique<Tally::Share>(tally);
    EXPECT_TRUE(greedy->has_room(10));
    greedy->set(10);
    EXPECT_FALSE(greedy->has_room(1));
    Tally::Share modest(tally);
    EXPECT_TRUE(modest.has_room(2));
    EXPECT_FALSE(modest.has_room(3));
    modest.set(2);
    EXPECT_FALSE(modest.has_room(1));
    EXPECT_EQ(tally.sum(), 12U);
    greedy.reset();
    EXPECT_EQ(tally.sum(), 2U);
    EXPECT_TRUE(modest.has_room(8));
    modest.set(0);
    EXPECT_EQ(tally.sum(), 0U);
}

}  // namespace
}  // namespace packswarm::swarm
