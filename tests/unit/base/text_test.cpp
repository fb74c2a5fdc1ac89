#include "p2p/base/text.hpp"

#include <gtest/gtest.h>

namespace packswarm {
namespace {

TEST(Text, LowersAsciiAndNothingElse) {
    EXPECT_EQ(lower("Content-TYPE: X9_[@`{"), "content-type: x9_[@`{");
    EXPECT_EQ(lower("\xC3\x84"), "\xC3\x84");
}

TEST(Text, TrimsBothEnds) {
    EXPECT_EQ(trimmed(" \t a b\r\n"), "a b");
    EXPECT_EQ(trimmed("a"), "a");
    EXPECT_EQ(trimmed(" \r\n"), "");
    EXPECT_EQ(trimmed(""), "");
}

}  // namespace
}  // namespace packswarm
