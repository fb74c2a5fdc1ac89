#include "p2p/core/apt_text.hpp"

#include <gtest/gtest.h>

namespace packswarm::core {
namespace {

TEST(AptText, KnowsAptsWordsForYesAndNoInAnyCase) {
    for (const auto* yes : {"yes", "True", "WITH", "on", "enable", "1"}) EXPECT_TRUE(apt_bool(yes, false)) << yes;
    for (const auto* no : {"no", "False", "WITHOUT", "off", "disable", "0"}) EXPECT_FALSE(apt_bool(no, true)) << no;
}

TEST(AptText, OfAnyOtherWordTheGivenAnswerHolds) {
    for (const auto* odd : {"", "2", "yes ", "maybe"}) {
        EXPECT_TRUE(apt_bool(odd, true)) << odd;
        EXPECT_FALSE(apt_bool(odd, false)) << odd;
    }
}

TEST(AptText, SecondsAreOneWholeNumberThatFitsAptsInt) {
    EXPECT_EQ(apt_seconds("86400", Seconds(7)), Seconds(86'400));
    EXPECT_EQ(apt_seconds("-1", Seconds(7)), Seconds(-1));
    EXPECT_EQ(apt_seconds("2147483647", Seconds(7)), Seconds(2'147'483'647));
    for (const auto* odd : {"", "2147483648", "10s", " 10", "1e3"})
        EXPECT_EQ(apt_seconds(odd, Seconds(7)), Seconds(7)) << odd;
}

TEST(AptText, WhatIsNoEscapeStaysAsItIs) {
    EXPECT_EQ(percent_decoded("a%20b%2Bc"), "a b+c");
    EXPECT_EQ(percent_decoded("%41"), "A");
    for (const auto* odd : {"%", "%4", "%zz", "100%"}) EXPECT_EQ(percent_decoded(odd), odd);
    EXPECT_EQ(percent_decoded("%2541"), "%41") << "once, not again";
}

}  // namespace
}  // namespace packswarm::core
