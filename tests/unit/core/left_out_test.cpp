#include "p2p/core/left_out.hpp"

#include <gtest/gtest.h>

namespace packswarm::core {
namespace {

TEST(LeftOut, CountsAllAndNamesTheFirst) {
    LeftOut odd;
    EXPECT_TRUE(odd.empty());
    odd.add("a: no Size");
    EXPECT_EQ(odd.text(), "1 entry is left out: a: no Size");
    for (int i = 0; i < 100; ++i) odd.add("b");
    EXPECT_EQ(odd.count, 101u);
    EXPECT_EQ(odd.named.size(), limits::max_named_left_out);
    EXPECT_TRUE(odd.text().starts_with("101 entries are left out: a: no Size; b"));
    EXPECT_TRUE(odd.text().ends_with("; ...")) << "there are more than are named";
}

TEST(LeftOut, OfSeveralIndexesIsOneWithABoundOfItsOwn) {
    LeftOut sum, one;
    for (int i = 0; i < 4; ++i) one.add("x");
    sum.add(one);
    sum.add(one);
    EXPECT_EQ(sum.count, 8u);
    EXPECT_EQ(sum.named.size(), limits::max_named_left_out);
    sum.add(LeftOut{});
    EXPECT_EQ(sum.count, 8u);
}

}  // namespace
}  // namespace packswarm::core
