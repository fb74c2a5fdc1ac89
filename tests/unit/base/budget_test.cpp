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

TEST(Budget, OfBytesHasTheRoomThatOtherRoomsLeave) {
    MemorySum sum(100);
    Budget indexes(80, 5), lines(80, 5);
    indexes.count_in(sum);
    lines.count_in(sum);
    Budget::Share root(indexes), other_root(indexes), line(lines);
    root.set(70);
    EXPECT_EQ(sum.bytes(), 70);
    EXPECT_TRUE(line.has_room(30));
    EXPECT_FALSE(line.has_room(31));
    line.set(40);
    EXPECT_EQ(sum.bytes(), 110) << "who asks first is bound; the sum only counts";
    EXPECT_FALSE(root.has_room(1));
    EXPECT_TRUE(other_root.has_room(5)) << "each keeps its first few";
    line.set(0);
    EXPECT_TRUE(root.has_room(10));
    EXPECT_FALSE(root.has_room(11)) << "its own bound stands as well";
}

TEST(Budget, AShareThatIsGoneLeavesTheSum) {
    MemorySum sum(100);
    {
        Budget lines(80, 5);
        lines.count_in(sum);
        Budget::Share line(lines);
        line.set(60);
        EXPECT_EQ(sum.bytes(), 60);
    }
    EXPECT_EQ(sum.bytes(), 0);
    MemorySum::Part part(sum);
    part.set(120);
    EXPECT_EQ(part.room(), 100);
    MemorySum::Part other(sum);
    EXPECT_EQ(other.room(), 0);
}

}  // namespace
}  // namespace packswarm
