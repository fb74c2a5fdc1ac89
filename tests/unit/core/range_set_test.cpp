#include "p2p/core/range_set.hpp"

#include <gtest/gtest.h>

#include <random>

namespace packswarm::core {
namespace {

TEST(RangeSet, MergesNeighboursAndCountsBytesOnce) {
    RangeSet set;
    set.add({10, 20});
    set.add({30, 40});
    set.add({20, 30});
    set.add({15, 35});
    EXPECT_EQ(set.ranges(), (std::vector<ByteRange>{{10, 40}}));
    EXPECT_EQ(set.total(), 30);
    EXPECT_EQ(set.prefix(), 0);
    set.add({0, 10});
    EXPECT_EQ(set.prefix(), 40);
}

TEST(RangeSet, RemovingFromTheMiddleLeavesBothEnds) {
    RangeSet set;
    set.add({0, 100});
    set.remove(ByteRange{40, 60});
    EXPECT_EQ(set.ranges(), (std::vector<ByteRange>{{0, 40}, {60, 100}}));
    EXPECT_EQ(set.gaps({0, 100}), (std::vector<ByteRange>{{40, 60}}));
    EXPECT_FALSE(set.covers({30, 50}));
    EXPECT_TRUE(set.touches({30, 50}));
    EXPECT_FALSE(set.touches({40, 60}));
}

// Against a plain array of flags, over random operations.
TEST(RangeSet, AgreesWithAnArrayOfFlags) {
    std::mt19937 random(7);
    for (int round = 0; round < 200; ++round) {
        RangeSet set;
        std::vector<bool> flags(64, false);
        for (int step = 0; step < 40; ++step) {
            ByteCount a = random() % 65, b = random() % 65;
            if (a > b) std::swap(a, b);
            const bool add = random() % 2 == 0;
            add ? set.add({a, b}) : set.remove(ByteRange{a, b});
            for (ByteCount i = a; i < b; ++i) flags[static_cast<std::size_t>(i)] = add;
            ByteCount total = 0;
            for (ByteCount i = 0; i < 64; ++i) {
                total += flags[static_cast<std::size_t>(i)];
                ASSERT_EQ(set.covers({i, i + 1}), flags[static_cast<std::size_t>(i)]) << round << " " << step;
            }
            ASSERT_EQ(set.total(), total);
            ByteCount missing = 0;
            for (const auto& gap : set.gaps({0, 64})) missing += gap.length();
            ASSERT_EQ(missing, 64 - total);
        }
    }
}

}  // namespace
}  // namespace packswarm::core
