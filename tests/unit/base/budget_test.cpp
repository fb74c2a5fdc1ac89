#include "p2p/base/budget.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace packswarm {
namespace {

TEST(Budget, LeavesEachItsFirstFewWhateverTheOthersDo) {
    Budget budget(10, 2);
    auto greedy = std::make_unique<Budget::Share>(budget);
    EXPECT_TRUE(greedy->has_room(10));
    greedy->set(10);
    EXPECT_FALSE(greedy->has_room(1));
    Budget::Share modest(budget);
    EXPECT_TRUE(modest.has_room(2));
    EXPECT_FALSE(modest.has_room(3));
    modest.set(2);
    EXPECT_FALSE(modest.has_room(1));
    EXPECT_EQ(budget.sum(), 12U);
    greedy.reset();
    EXPECT_EQ(budget.sum(), 2U);
    EXPECT_TRUE(modest.has_room(8));
    modest.set(0);
    EXPECT_EQ(budget.sum(), 0U);
}

}  // namespace
}  // namespace packswarm
