#include "p2p/web/answer.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "p2p/base/limits.hpp"

namespace packswarm::web {
namespace {

AnswerHead head_of(std::initializer_list<const char*> lines) {
    AnswerHead head;
    for (const char* line : lines) EXPECT_TRUE(head.add(line));
    return head;
}

Wanted whole(std::optional<ByteCount> expected = std::nullopt) {
    Wanted out;
    out.path = "/pool/main/h/hello_1_amd64.deb";
    out.expected_size = expected;
    out.max_bytes = 1000;
    return out;
}

Wanted part(ByteCount begin, ByteCount end, std::optional<ByteCount> expected = std::nullopt) {
    auto out = whole(expected);
    out.begin = begin;
    out.end = end;
    return out;
}

ErrorKind kind_of(const Result<BodyPlan>& plan) {
    EXPECT_FALSE(plan);
    return plan ? ErrorKind::Broken : plan.error().kind;
}

TEST(ContentRange, ReadsRangesTotalsAndUnknownTotals) {
    const auto full = parse_content_range("bytes 10-19/100");
    ASSERT_TRUE(full && full->range);
    EXPECT_EQ(*full->range, (ByteRange{10, 20}));
    EXPECT_EQ(full->total, 100);
    const auto unknown = parse_content_range("bytes 10-19/*");
    ASSERT_TRUE(unknown && unknown->range);
    EXPECT_FALSE(unknown->total);
    const auto unsatisfied = parse_content_range("bytes */100");
    ASSERT_TRUE(unsatisfied);
    EXPECT_FALSE(unsatisfied->range);
    EXPECT_EQ(unsatisfied->total, 100);
}

TEST(ContentRange, RefusesWhatMakesNoSense) {
    for (const char* text :
         {"", "bytes", "bytes 5-4/10", "bytes 0-10/10", "bytes -1-4/10", "bytes 0-4", "items 0-4/10", "bytes 0-4/x",
          "bytes 0-9223372036854775807/*", "bytes 0-99999999999999999999/*", "bytes /10", "bytes 1/10"})
        EXPECT_FALSE(parse_content_range(text)) << text;
}

TEST(AnswerHead, ReadsHeadersOfAnyCase) {
    const auto head = head_of({"HTTP/1.1 200 OK\r\n", "CONTENT-LENGTH: 12\r\n", "content-range:  Bytes 5-16/30 \r\n",
                               "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n", "Retry-After: 120\r\n", "\r\n"});
    EXPECT_EQ(head.content_length, 12);
    ASSERT_TRUE(head.content_range && head.content_range->range);
    EXPECT_EQ(*head.content_range->range, (ByteRange{5, 17}));
    EXPECT_EQ(head.last_modified, WallTime(Seconds(784111777)));
    EXPECT_EQ(head.retry_after, "120");
}

TEST(AnswerHead, EndsAtItsBound) {
    AnswerHead head;
    const std::string line = "X-Filler: " + std::string(1000, 'x') + "\r\n";
    Result<void> last;
    for (std::size_t sent = 0; sent <= limits::max_answer_head && last; sent += line.size()) last = head.add(line);
    ASSERT_FALSE(last);
    EXPECT_EQ(last.error().kind, ErrorKind::Refused);
}

TEST(Judge, TakesAWholeFileOfTheExpectedSize) {
    const auto plan = judge(whole(100), 200, head_of({"Content-Length: 100"}));
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->offset, 0);
    EXPECT_EQ(plan->length, 100);
    EXPECT_FALSE(plan->cut);
}

TEST(Judge, AFileOfAnotherSizeIsAnotherFileBeforeAnyByte) {
    const auto is_absent = [](const Wanted& wanted, int status, const char* line) {
        const auto head = head_of({line});
        EXPECT_EQ(kind_of(judge(wanted, status, head)), ErrorKind::Absent) << line;
        EXPECT_FALSE(shows_no_ranges(wanted, status, head)) << line;
    };
    is_absent(whole(100), 200, "Content-Length: 99");
    is_absent(part(0, 10, 100), 206, "Content-Range: bytes 0-9/99");
    is_absent(part(0, 10, 100), 200, "Content-Length: 99");
    is_absent(part(50, 60, 100), 200, "Content-Length: 99");
    is_absent(part(50, 60, 100), 416, "Content-Range: bytes */20");
}

TEST(Judge, RefusesTwoDifferentLengths) {
    EXPECT_EQ(kind_of(judge(whole(), 200, head_of({"Content-Length: 99", "Content-Length: 100"}))), ErrorKind::Refused);
    EXPECT_EQ(kind_of(judge(whole(), 200, head_of({"Content-Length: -1"}))), ErrorKind::Refused);
}

TEST(Judge, RefusesMoreThanAllowed) {
    EXPECT_EQ(kind_of(judge(whole(), 200, head_of({"Content-Length: 1001"}))), ErrorKind::Refused);
}

TEST(Judge, ComparesPartialAnswersWithWhatWasAsked) {
    EXPECT_TRUE(judge(part(10, 20), 206, head_of({"Content-Range: bytes 10-19/100", "Content-Length: 10"})));
    EXPECT_TRUE(judge(part(10, 20, 100), 206, head_of({"Content-Range: bytes 10-19/*"})));
    EXPECT_FALSE(shows_no_ranges(part(10, 20), 206, head_of({"Content-Range: bytes 10-19/100"})));
}

TEST(Judge, APartThatCannotBePlacedShowsAServerWithoutRanges) {
    const auto is_unplaced = [](const AnswerHead& head) {
        EXPECT_EQ(kind_of(judge(part(10, 20, 100), 206, head)), ErrorKind::Refused);
        EXPECT_TRUE(shows_no_ranges(part(10, 20, 100), 206, head));
    };
    for (const char* range :
         {"bytes 11-19/100", "bytes 10-18/100", "bytes 10-20/100", "bytes 0-99/100", "nonsense", "10-19/100"})
        is_unplaced(head_of({(std::string("Content-Range: ") + range).c_str()}));
    is_unplaced(head_of({"Content-Range: bytes 10-19/100", "Content-Length: 11"}));
    is_unplaced(head_of({}));
    EXPECT_TRUE(shows_no_ranges(part(10, 20, 100), 416, head_of({"Content-Range: bytes */100"})));
    EXPECT_FALSE(shows_no_ranges(part(10, 20, 100), 404, head_of({})));
}

TEST(Judge, APartThatNobodyAskedForIsTakenWhenItIsTheWholeFile) {
    EXPECT_EQ(kind_of(judge(whole(), 206, head_of({"Content-Range: bytes 0-9/20"}))), ErrorKind::Refused);
    EXPECT_EQ(kind_of(judge(whole(), 206, head_of({"Content-Range: bytes 10-19/20"}))), ErrorKind::Refused);
    EXPECT_TRUE(judge(whole(10), 206, head_of({"Content-Range: bytes 0-9/10", "Content-Length: 10"})));
    EXPECT_TRUE(judge(whole(10), 206, head_of({"Content-Range: nonsense", "Content-Length: 10"})));
    EXPECT_EQ(kind_of(judge(whole(10), 206, head_of({"Content-Length: 9"}))), ErrorKind::Absent);
}

TEST(Judge, AcceptsARangeThatTheEndOfTheFileClips) {
    const auto plan = judge(part(90, 200), 206, head_of({"Content-Range: bytes 90-99/100"}));
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->length, 10);
}

TEST(Judge, CutsAWholeAnswerToARangeFromTheStart) {
    const auto plan = judge(part(0, 10, 100), 200, head_of({"Content-Length: 100"}));
    ASSERT_TRUE(plan);
    EXPECT_TRUE(plan->cut);
    EXPECT_EQ(plan->length, 10);
    EXPECT_EQ(plan->total, 100);
}

TEST(Judge, TakesAnAskersPartAsTheServerAnswersIt) {
    Wanted wanted;
    wanted.begin = 10;
    wanted.takes_whole = wanted.may_lie_outside = true;
    wanted.max_bytes = 1000;
    const auto outside = judge(wanted, 416, head_of({"Content-Range: bytes */10"}));
    ASSERT_TRUE(outside);
    EXPECT_TRUE(outside->lies_outside);
    EXPECT_EQ(outside->total, 10);
    EXPECT_FALSE(judge(wanted, 416, head_of({}))) << "outside of what?";
    EXPECT_FALSE(judge(wanted, 206, head_of({"Content-Range: bytes 10-19/*"}))) << "a part of what?";
    EXPECT_EQ(judge(wanted, 206, head_of({"Content-Range: bytes 10-19/20"}))->total, 20);
    EXPECT_EQ(judge(wanted, 200, head_of({"Content-Length: 20"}))->offset, 0);
    EXPECT_FALSE(judge(wanted, 206, head_of({"Content-Range: bytes 5-19/20"})));
}

TEST(Judge, RefusesAWholeAnswerToALaterRange) {
    const auto head = head_of({"Content-Length: 100"});
    EXPECT_EQ(kind_of(judge(part(10, 20, 100), 200, head)), ErrorKind::Refused);
    EXPECT_TRUE(shows_no_ranges(part(10, 20, 100), 200, head));
    EXPECT_TRUE(shows_no_ranges(part(0, 20, 100), 200, head));
    EXPECT_FALSE(shows_no_ranges(whole(100), 200, head));
}

TEST(Judge, TakesAWholeAnswerToAnyRangeFromItsFirstByteWhenThatIsWanted) {
    for (auto wanted : {part(0, 10, 100), part(10, 20, 100)}) {
        wanted.takes_whole = true;
        const auto plan = judge(wanted, 200, head_of({"Content-Length: 100"}));
        ASSERT_TRUE(plan) << plan.error().message;
        EXPECT_EQ(plan->offset, 0);
        EXPECT_EQ(plan->length, 100);
        EXPECT_FALSE(plan->cut);
        const auto usual =
            judge(wanted, 206,
                  head_of({fmt::format("Content-Range: bytes {}-{}/100", *wanted.begin, *wanted.end - 1).c_str()}));
        ASSERT_TRUE(usual);
        EXPECT_EQ(usual->length, 10);
    }
}

TEST(Judge, CutsAWholeAnswerOfWhichOnlyTheBeginningIsWanted) {
    auto wanted = whole(100);
    wanted.enough = 30;
    const auto plan = judge(wanted, 200, head_of({"Content-Length: 100"}));
    ASSERT_TRUE(plan);
    EXPECT_TRUE(plan->cut);
    EXPECT_EQ(plan->length, 30);
    const auto chunked = judge(wanted, 200, head_of({"Transfer-Encoding: chunked"}));
    ASSERT_TRUE(chunked);
    EXPECT_EQ(chunked->length, 30);
}

TEST(Judge, WhatAServerCallsAFileIsOfNoAccount) {
    for (const char* type : {"Content-Type: text/html; charset=utf-8", "Content-Type: application/xhtml+xml"}) {
        EXPECT_TRUE(judge(whole(), 200, head_of({type, "Content-Length: 10"})));
        EXPECT_TRUE(judge(whole(10), 200, head_of({type, "Content-Length: 10"})));
        EXPECT_TRUE(judge(whole(10), 200, head_of({type, "Transfer-Encoding: chunked"})));
        EXPECT_EQ(kind_of(judge(whole(100), 200, head_of({type, "Content-Length: 10"}))), ErrorKind::Absent);
    }
}

TEST(Judge, TakesWhatAProxyHasTouched) { EXPECT_TRUE(judge(whole(100), 203, head_of({"Content-Length: 100"}))); }

TEST(Judge, SortsFailuresByWhatToDoNext) {
    for (const int status : {404, 410}) EXPECT_EQ(kind_of(judge(whole(), status, {})), ErrorKind::Absent) << status;
    for (const int status : {408, 429, 500, 502, 503, 504, 599})
        EXPECT_EQ(kind_of(judge(whole(), status, {})), ErrorKind::Transient) << status;
    for (const int status : {400, 401, 403, 407, 416, 451})
        EXPECT_EQ(kind_of(judge(whole(), status, {})), ErrorKind::Refused) << status;
    for (const int status : {201, 204, 301, 304, 305})
        EXPECT_EQ(kind_of(judge(whole(), status, {})), ErrorKind::Refused) << status;
}

TEST(Judge, SaysHowLongABusyServerWantsToBeLeftAlone) {
    const auto plan = judge(whole(), 503, head_of({"Retry-After: 17"}));
    ASSERT_FALSE(plan);
    EXPECT_NE(plan.error().message.find("Retry-After: 17"), std::string::npos);
    EXPECT_EQ(plan.error().retry_after, Seconds(17));
    EXPECT_EQ(judge(whole(), 429, head_of({"Retry-After: 99999999"})).error().retry_after, Seconds(3600));
    EXPECT_EQ(judge(whole(), 429, head_of({"Retry-After: Fri, 31 Dec 1999 23:59:59 GMT"})).error().retry_after,
              Seconds(0));
    EXPECT_EQ(judge(whole(), 503, head_of({"Retry-After: Fri, 31 Dec 2199 23:59:59 GMT"})).error().retry_after,
              Seconds(3600));
    EXPECT_EQ(judge(whole(), 503, head_of({"Retry-After: -3"})).error().retry_after, Seconds(0));
    EXPECT_EQ(judge(whole(), 503, {}).error().retry_after, Seconds(0));
    EXPECT_FALSE(judge(whole(), 500, head_of({"Retry-After: 17"})).error().retry_after);
}

TEST(Judge, TakesNotModifiedOnlyWhenItWasAsked) {
    auto wanted = whole();
    wanted.conditional = true;
    const auto plan = judge(wanted, 304, {});
    ASSERT_TRUE(plan);
    EXPECT_TRUE(plan->not_modified);
}

TEST(BodyGauge, TakesExactlyThePlannedBytes) {
    BodyGauge gauge(*judge(part(10, 20), 206, head_of({"Content-Range: bytes 10-19/100"})));
    EXPECT_EQ(gauge.take(4), std::size_t{4});
    EXPECT_EQ(gauge.next_offset(), 14);
    EXPECT_EQ(gauge.finish(BodyGauge::Ending::declared).error().kind, ErrorKind::Absent);
    EXPECT_EQ(gauge.finish(BodyGauge::Ending::connection).error().kind, ErrorKind::Transient);
    EXPECT_EQ(gauge.take(6), std::size_t{6});
    EXPECT_TRUE(gauge.finish(BodyGauge::Ending::declared));
    EXPECT_EQ(gauge.take(1).error().kind, ErrorKind::Absent);
}

TEST(BodyGauge, StopsACutBodyWithoutBlame) {
    BodyGauge gauge(*judge(part(0, 10, 100), 200, head_of({"Content-Length: 100"})));
    EXPECT_EQ(gauge.take(50), std::size_t{10});
    EXPECT_TRUE(gauge.complete());
}

TEST(BodyGauge, RefusesTheFirstByteBeyondTheLimitOfAnUnknownLength) {
    BodyGauge gauge(*judge(whole(), 200, head_of({})));
    EXPECT_EQ(gauge.take(1000), std::size_t{1000});
    EXPECT_EQ(gauge.take(1).error().kind, ErrorKind::Refused);
}

}  // namespace
}  // namespace packswarm::web
