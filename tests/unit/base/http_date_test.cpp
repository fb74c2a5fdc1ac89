#include "p2p/base/http_date.hpp"

#include <gtest/gtest.h>

namespace packswarm {
namespace {

TEST(HttpDate, SurvivesTheRoundTrip) {
    for (const std::int64_t seconds :
         {std::int64_t{0}, std::int64_t{784111777}, std::int64_t{951827696}, std::int64_t{4102444799}}) {
        const WallTime time{Seconds(seconds)};
        EXPECT_EQ(parse_http_date(http_date(time)), time) << http_date(time);
    }
    EXPECT_EQ(http_date(WallTime(Seconds(784111777))), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(http_date(WallTime(Seconds(0))), "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST(HttpDate, ReadsNothingElse) {
    for (const char* text : {"", "today", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT",
                             "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 UTC",
                             "Sun, 06 Xyz 1994 08:49:37 GMT", "Sun, -6 Nov 1994 08:49:37 GMT"})
        EXPECT_FALSE(parse_http_date(text)) << text;
}

}  // namespace
}  // namespace packswarm
