#include "p2p/web/answer.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/base/text.hpp"

namespace packswarm::web {

namespace {

constexpr Seconds longest_wait{3600};

std::optional<ByteCount> parse_count(std::string_view text) {
    ByteCount value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
    return value;
}

// A date in any of HTTP's three spellings; years that our clock types cannot mean are dropped.
std::optional<WallTime> parse_date(std::string_view value) {
    const time_t seconds = ::curl_getdate(std::string(value.substr(0, 64)).c_str(), nullptr);
    if (seconds <= 0 || seconds > 253'402'300'799) return std::nullopt;
    return WallTime(Seconds(seconds));
}

std::string describe(int status, const AnswerHead& head) {
    if (head.retry_after.empty()) return fmt::format("the server answered {}", status);
    return fmt::format("the server answered {} (Retry-After: {})", status, printable(head.retry_after, 40));
}

// Seconds, or a date (RFC 9110 10.2.3); none when the server says no time.
Seconds wait_asked_for(const AnswerHead& head) {
    if (const auto seconds = parse_count(head.retry_after)) return std::min(Seconds(*seconds), longest_wait);
    const auto date = parse_date(head.retry_after);
    if (!date) return Seconds(0);
    return std::clamp(*date - std::chrono::time_point_cast<Seconds>(std::chrono::system_clock::now()), Seconds(0),
                      longest_wait);
}

Error judge_failure(int status, const AnswerHead& head) {
    if (status == 404 || status == 410) return {ErrorKind::Absent, describe(status, head)};
    if (status == 429 || status == 503) return {ErrorKind::Transient, describe(status, head), wait_asked_for(head)};
    if (status == 408 || status == 425 || status >= 500) return {ErrorKind::Transient, describe(status, head)};
    return {ErrorKind::Refused, describe(status, head)};
}

// 203: a proxy has touched the answer. When that changed its bytes, the digest tells.
bool brings_bytes(int status) { return status == 200 || status == 203 || status == 206; }

// What the answer says of the whole file's size.
std::optional<ByteCount> total_of(const Wanted& wanted, int status, const AnswerHead& head) {
    const bool is_part = status == 416 || (status == 206 && wanted.begin);
    if (is_part) return head.content_range ? head.content_range->total : std::nullopt;
    return head.chunked ? std::nullopt : head.content_length;
}

bool is_another_file(const Wanted& wanted, int status, const AnswerHead& head) {
    const auto total = total_of(wanted, status, head);
    return wanted.expected_size && total && *total != *wanted.expected_size;
}

Result<BodyPlan> judge_partial(const Wanted& wanted, const AnswerHead& head) {
    if (!head.content_range || !head.content_range->range)
        return fail(ErrorKind::Refused, "a partial answer without a usable Content-Range");
    const auto range = *head.content_range->range;
    const auto total = head.content_range->total;
    const auto end = wanted.end ? (total ? std::min(*wanted.end, *total) : *wanted.end) : total.value_or(range.end);
    if (range.begin != *wanted.begin || range.end != end)
        return fail(ErrorKind::Refused, "asked for bytes {}-{}, got {}-{}", *wanted.begin, end - 1, range.begin,
                    range.end - 1);
    if (!head.chunked && head.content_length && *head.content_length != range.length())
        return fail(ErrorKind::Refused, "Content-Range and Content-Length disagree");
    return BodyPlan{range.begin, range.length(), range.length(), false, total, false};
}

// A 206 that nobody asked for may be the whole file all the same.
bool is_unasked_part(int status, const AnswerHead& head) {
    if (status != 206 || !head.content_range || !head.content_range->range) return false;
    const auto range = *head.content_range->range;
    return range.begin > 0 || range.end != head.content_range->total.value_or(range.end);
}

Result<BodyPlan> judge_whole(const Wanted& wanted, int status, const AnswerHead& head) {
    if (is_unasked_part(status, head)) return fail(ErrorKind::Refused, "the server sent a part of the file, unasked");
    BodyPlan plan;
    plan.total = total_of(wanted, status, head);
    plan.length = wanted.expected_size ? wanted.expected_size : plan.total;
    const bool replaces_a_part = wanted.end && !wanted.takes_whole;
    if (replaces_a_part && *wanted.begin > 0) return fail(ErrorKind::Refused, "the server ignores ranges");
    if (const auto stop = replaces_a_part ? wanted.end : wanted.enough; stop) {
        plan.cut = !plan.total || *plan.total > *stop;
        plan.length = plan.total ? std::min(*plan.total, *stop) : *stop;
    }
    plan.cap = plan.length.value_or(wanted.max_bytes);
    return plan;
}

}  // namespace

std::optional<ContentRange> parse_content_range(std::string_view value) {
    value = trimmed(value);
    if (lower(value.substr(0, 6)) != "bytes ") return std::nullopt;
    value = trimmed(value.substr(6));
    const auto slash = value.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    ContentRange out;
    if (const auto total = value.substr(slash + 1); total != "*") {
        out.total = parse_count(total);
        if (!out.total) return std::nullopt;
    }
    const auto span = value.substr(0, slash);
    if (span == "*") return out;
    const auto dash = std::min(span.find('-'), span.size());
    const auto first = parse_count(span.substr(0, dash)),
               last = parse_count(span.substr(std::min(dash + 1, span.size())));
    constexpr ByteCount far = ByteCount{1} << 62;
    if (!first || !last || *last < *first || *last >= far || (out.total && *last >= *out.total)) return std::nullopt;
    out.range = ByteRange{*first, *last + 1};
    return out;
}

Result<void> AnswerHead::add(std::string_view line) {
    bytes += line.size();
    if (bytes > limits::max_answer_head)
        return fail(ErrorKind::Refused, "an answer with more than {} bytes of headers", limits::max_answer_head);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return {};
    const auto name = lower(trimmed(line.substr(0, colon)));
    const auto value = trimmed(line.substr(colon + 1));
    if (name == "content-length") {
        const auto length = parse_count(value);
        contradicts_itself = contradicts_itself || !length || (content_length && *content_length != *length);
        content_length = length;
    } else if (name == "content-range") {
        content_range = parse_content_range(value);
    } else if (name == "last-modified") {
        last_modified = parse_date(value);
    } else if (name == "location") {
        location = value;
    } else if (name == "retry-after") {
        retry_after = value;
    } else if (name == "transfer-encoding") {
        chunked = true;
    }
    return {};
}

bool AnswerHead::is_redirect(int status) const {
    return !location.empty() && (status == 301 || status == 302 || status == 303 || status == 307 || status == 308);
}

Result<BodyPlan> judge(const Wanted& wanted, int status, const AnswerHead& head) {
    if (status == 304 && wanted.conditional) return BodyPlan{0, ByteCount{0}, 0, false, std::nullopt, true};
    if (!brings_bytes(status) && status != 416) return tl::unexpected(judge_failure(status, head));
    if (head.contradicts_itself) return fail(ErrorKind::Refused, "an answer with a broken Content-Length");
    if (is_another_file(wanted, status, head)) {
        const auto sizes = fmt::format("the server's file has {} bytes, the index says {}",
                                       *total_of(wanted, status, head), *wanted.expected_size);
        return tl::unexpected(Error{ErrorKind::Absent, sizes, {}, true});
    }
    const auto total = total_of(wanted, status, head);
    if (status == 416 && wanted.may_lie_outside && total)
        return BodyPlan{*total, ByteCount{0}, 0, true, total, false, true};
    if (status == 416) return tl::unexpected(judge_failure(status, head));
    if (status == 206 && wanted.may_lie_outside && !total)
        return fail(ErrorKind::Refused, "a part of a file of unknown size");
    auto plan = status == 206 && wanted.begin ? judge_partial(wanted, head) : judge_whole(wanted, status, head);
    if (!plan) return plan;
    if (plan->length.value_or(0) > wanted.max_bytes)
        return fail(ErrorKind::Refused, "{} bytes, and at most {} are allowed", *plan->length, wanted.max_bytes);
    return plan;
}

bool shows_no_ranges(const Wanted& wanted, int status, const AnswerHead& head) {
    if (!wanted.begin || !wanted.end || head.contradicts_itself || is_another_file(wanted, status, head)) return false;
    if (status == 206) return !judge_partial(wanted, head);
    return status == 416 || brings_bytes(status);
}

Result<std::size_t> BodyGauge::take(std::size_t count) {
    const auto room = plan_.cap - taken_;
    const auto taking = std::min(static_cast<ByteCount>(count), room);
    if (static_cast<ByteCount>(count) > room && !plan_.cut) {
        if (plan_.length)
            return fail(ErrorKind::Absent, "the server sent more than the {} bytes of the file", plan_.cap);
        return fail(ErrorKind::Refused, "the server sent more than the {} bytes allowed", plan_.cap);
    }
    taken_ += taking;
    return static_cast<std::size_t>(taking);
}

std::optional<ByteCount> BodyGauge::missing() const {
    if (!plan_.length) return std::nullopt;
    return *plan_.length - taken_;
}

Result<void> BodyGauge::finish(Ending ending) const {
    if (!plan_.length || complete()) return {};
    if (ending == Ending::connection)
        return fail(ErrorKind::Transient, "the connection ended after {} of {} bytes", taken_, *plan_.length);
    return fail(ErrorKind::Absent, "the server sent {} bytes, {} were expected", taken_, *plan_.length);
}

}  // namespace packswarm::web
