#include "p2p/broker/absences.hpp"

#include <gtest/gtest.h>

namespace packswarm::broker {
namespace {

const TimePoint start{std::chrono::hours(1000)};
const Error gone{ErrorKind::Absent, "404"};

TEST(Absences, RemembersForAWhileWhatLasts) {
    Absences absences;
    absences.note("http://a/x", gone, start);
    absences.note("http://a/y", {ErrorKind::Transient, "503"}, start);
    absences.note("http://a/z", {ErrorKind::Broken, "the disk"}, start);
    EXPECT_EQ(absences.recall("http://a/x", start + Seconds(599))->message, "404");
    EXPECT_FALSE(absences.recall("http://a/x", start + Seconds(600)));
    EXPECT_FALSE(absences.recall("http://a/y", start));
    EXPECT_FALSE(absences.recall("http://a/z", start));
}

TEST(Absences, EachTimeInARowLastsTwiceAsLongUpToADay) {
    Absences absences;
    auto now = start;
    Seconds last{0};
    for (int i = 0; i < 20; ++i) {
        absences.note("http://a/x", gone, now);
        auto span = Seconds(0);
        while (absences.recall("http://a/x", now + span)) span += Seconds(600);
        EXPECT_GE(span, last);
        last = span;
        now += span;
    }
    EXPECT_EQ(last, Seconds(86'400));
    absences.forget("http://a/x");
    absences.note("http://a/x", gone, now);
    EXPECT_FALSE(absences.recall("http://a/x", now + Seconds(600)));
}

TEST(Absences, AreBounded) {
    Absences absences;
    for (int i = 0; i < 5'000; ++i) absences.note("http://a/" + std::to_string(i), gone, start + Millis(i));
    EXPECT_FALSE(absences.recall("http://a/0", start));
    EXPECT_TRUE(absences.recall("http://a/4999", start + Millis(5'000)));
    absences.note("http://a/" + std::string(5000, 'x'), gone, start);
    EXPECT_FALSE(absences.recall("http://a/" + std::string(5000, 'x'), start));
}

}  // namespace
}  // namespace packswarm::broker
