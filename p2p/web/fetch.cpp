#include "p2p/web/fetch.hpp"

#include <algorithm>

#include "p2p/base/log.hpp"
#include "p2p/base/url.hpp"
#include "p2p/web/guard.hpp"

namespace packswarm::web {

namespace {

constexpr std::size_t smallest_buffer = 16 * 1024;
constexpr std::size_t largest_buffer = 128 * 1024;  // beyond this a larger chunk saves the loop no measurable work
constexpr auto longest_gathering = Millis(10);      // bytes wait no longer for company
constexpr ByteCount far_from_end = 256 * limits::kib;

TimePoint clock_now() { return std::chrono::steady_clock::now(); }

Wanted wanted_of(const broker::MirrorRequest& request, const Address& address) {
    Wanted out;
    if (auto url = Url::parse(address.text)) out.path = url->path;
    if (request.range) {
        out.begin = request.range->begin;
        out.end = request.range->end;
    }
    if (request.terms.begin) {
        out.begin = request.terms.begin;
        out.end = request.terms.end;
        out.may_lie_outside = true;
    }
    out.enough = request.enough;
    out.takes_whole = request.takes_whole || request.terms.begin;
    out.expected_size = request.expected_size;
    out.max_bytes = request.max_bytes > 0 ? request.max_bytes : limits::max_artifact;
    out.conditional = request.if_modified_since.has_value();
    return out;
}

}  // namespace

Fetch::Fetch(broker::FetchId id, broker::MirrorRequest request, Address address, FetchSite site)
    : id_(id),
      request_(std::move(request)),
      site_(site),
      wanted_(wanted_of(request_, address)),
      address_(std::move(address)),
      easy_(site.settings, *this) {
    if (!is_guarded()) return;
    easy_.set(CURLOPT_OPENSOCKETFUNCTION, &open_socket);
    easy_.set(CURLOPT_OPENSOCKETDATA, this);
}

// Before each connection of a guarded fetch, which uses no kept one.
curl_socket_t Fetch::open_socket(void* fetch, curlsocktype, curl_sockaddr* address) {
    auto& self = *static_cast<Fetch*>(fetch);
    self.guarded_against_ = reason_against(address->addr, *self.request_.terms.guard);
    if (self.guarded_against_) return CURL_SOCKET_BAD;
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

Fetch::~Fetch() { site_.backlog.bytes -= static_cast<ByteCount>(gathered_.size()); }

std::optional<ByteCount> Fetch::asked_length() const {
    if (wanted_.end) return *wanted_.end - *wanted_.begin;
    if (wanted_.begin) return std::nullopt;
    return wanted_.expected_size;
}

bool Fetch::is_amid_large_body() const {
    return head_done_ && !paused_ && !concluded_ && !next_address_ && gauge_.missing().value_or(0) >= far_from_end;
}

bool Fetch::is_silent_on_kept_connection() const {
    return awaits_answer() && !paused_ && head_.bytes == 0 && !host_.empty() && easy_.reuses_connection();
}

void Fetch::begin(TimePoint now) {
    const auto url = Url::parse(address_.text);
    const bool is_name =
        url && url->host.find_first_not_of("0123456789.") != std::string::npos && !url->host.starts_with('[');
    host_ = is_name ? url->host : std::string();
    started_ = last_byte_ = now;
    easy_.ask(
        address_, wanted_,
        {request_.if_modified_since, request_.terms.if_range, request_.terms.cache_control, request_.terms.user_agent});
}

bool Fetch::let_run_out(ByteCount rest) {
    if (rest > limits::max_drained) return false;
    drain_until_ = clock_now() + limits::drain_timeout;
    return true;
}

bool Fetch::abandon() {
    if (concluded_) return true;
    concluded_ = true;
    site_.backlog.bytes -= static_cast<ByteCount>(gathered_.size());
    gathered_.clear();
    const auto rest = head_done_ ? gauge_.missing() : asked_length();
    return !paused_ && rest && let_run_out(*rest);
}

void Fetch::resume(TimePoint now) {
    paused_ = false;
    last_byte_ = now;
    ::curl_easy_pause(easy_.get(), CURLPAUSE_CONT);
}

std::optional<TimePoint> Fetch::tend(TimePoint now) {
    if (concluded_) return now < drain_until_ ? std::optional(drain_until_) : std::nullopt;
    TimePoint next = TimePoint::max();
    if (!gathered_.empty()) {
        if (now >= last_flush_ + longest_gathering)
            flush();
        else
            next = last_flush_ + longest_gathering;
    }
    if (paused_) return next;
    const auto sent =
        started_ + std::chrono::duration_cast<TimePoint::duration>(std::chrono::duration<double>(easy_.sent_after_s()));
    const auto overdue = std::max(last_byte_, sent) + request_.stall_timeout;
    if (now >= overdue) return std::nullopt;
    return std::min(next, overdue);
}

void Fetch::fail_overdue(TimePoint now) {
    if (concluded_) return;
    const bool answered = head_done_ || head_.bytes > 0;
    conclude(fail(ErrorKind::Transient, "{} for {:.1f} s", answered ? "no byte" : "no answer",
                  std::chrono::duration<double>(now - std::max(last_byte_, started_)).count()));
}

Fetch::Next Fetch::ended(CURLcode code) {
    if (concluded_) return Next::gone;
    if (next_address_) {
        address_ = std::move(*next_address_);
        next_address_.reset();
        head_ = {};
        head_done_ = false;
        drained_ = 0;
        return Next::ask_again;
    }
    if (code != CURLE_OK && guarded_against_)
        conclude(fail(ErrorKind::Refused, "{}", *guarded_against_));
    else if (code != CURLE_OK)
        conclude(tl::unexpected(easy_.error(code)));
    else if (!head_done_)
        conclude(fail(ErrorKind::Transient, "the connection ended without an answer"));
    else
        conclude(gauge_.finish(ending_of(head_, easy_.is_http2())));
    return Next::gone;
}

std::size_t Fetch::header(const char* line, std::size_t count) {
    last_byte_ = clock_now();
    if (head_done_) return trailer(count);
    const std::string_view text(line, count);
    if (text.starts_with("HTTP/")) {  // of a further answer, after a provisional one
        AnswerHead fresh;
        fresh.bytes = head_.bytes;
        head_ = std::move(fresh);
    }
    auto read = head_.add(text);
    if (read && (text == "\r\n" || text == "\n")) {
        const int status = easy_.status();
        if (status < 200) return count;
        read = head_.is_redirect(status) ? follow() : read_head(status);
        head_done_ = true;
    }
    if (read) return count;
    conclude(std::move(read));
    return let_run_out(head_.content_length.value_or(0)) ? count : 0;
}

// Of no use, and libcurl keeps each: an answer that only goes on with them is cut off.
std::size_t Fetch::trailer(std::size_t count) {
    trailer_bytes_ += count;
    if (trailer_bytes_ <= limits::max_answer_head) return count;
    conclude(fail(ErrorKind::Refused, "an answer with more than {} bytes of trailers", limits::max_answer_head));
    return 0;
}

Result<void> Fetch::follow() {
    if (++redirects_ > limits::max_redirects)
        return fail(ErrorKind::Refused, "more than {} redirects", limits::max_redirects);
    auto next = address_.redirect(head_.location);
    if (!next) return tl::unexpected(next.error());
    if (site_.settings.proxied && site_.settings.proxied->has(next->text))
        return fail(ErrorKind::Refused, "a redirect to {}, which apt is told to ask through a proxy",
                    printable(next->origin, 200));
    next_address_ = std::move(*next);
    return {};
}

Result<void> Fetch::read_head(int status) {
    auto plan = judge(wanted_, status, head_);
    broker::MirrorHead head;
    head.last_modified = head_.last_modified;
    head.effective_url = address_.text;
    head.first_byte_s = easy_.first_byte_s();
    head.ignores_range = request_.range && shows_no_ranges(wanted_, status, head_);
    if (!plan) {
        if (head.ignores_range) site_.outbox.emplace_back(id_, std::move(head));
        return tl::unexpected(plan.error());
    }
    gauge_ = BodyGauge(*plan);
    const auto length = plan->length.value_or(wanted_.max_bytes);
    const bool is_small = length <= static_cast<ByteCount>(largest_buffer);
    buffer_bytes_ = is_small ? static_cast<std::size_t>(length) : 4 * smallest_buffer;
    if (is_small) last_flush_ = clock_now();  // may wait for the rest; of a large file the first bytes go at once
    head.total_size = plan->total;
    head.not_modified = plan->not_modified;
    if (request_.terms.begin && plan->total && (status == 206 || plan->lies_outside))
        head.part = broker::Part{{plan->offset, plan->offset + plan->length.value_or(0)}, *plan->total};
    site_.outbox.emplace_back(id_, std::move(head));
    return {};
}

std::size_t Fetch::body(const char* bytes, std::size_t count) {
    last_byte_ = clock_now();
    site_.arrived += static_cast<ByteCount>(count);
    if (concluded_ || next_address_) {
        drained_ += static_cast<ByteCount>(count);
        return drained_ <= limits::max_drained ? count : 0;
    }
    const auto unread = site_.backlog.bytes.load();
    if (unread > 0 && unread + static_cast<ByteCount>(count) > site_.settings.max_unread) {
        flush();
        paused_ = true;
        site_.backlog.thread_waits = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    const auto taken = gauge_.take(count);
    if (!taken) {
        conclude(tl::unexpected(taken.error()));
        return 0;
    }
    gather(bytes, *taken);
    if (*taken == count) return count;
    conclude({});
    return 0;
}

void Fetch::gather(const char* bytes, std::size_t count) {
    if (gathered_.size() + count > gathered_.capacity()) flush();
    if (gathered_.empty()) {
        gathered_at_ = gauge_.next_offset() - static_cast<ByteCount>(count);
        gathered_.reserve(std::max(buffer_bytes_, count));
    }
    gathered_.insert(gathered_.end(), bytes, bytes + count);
    site_.backlog.bytes += static_cast<ByteCount>(count);
}

// The next buffer follows the pace: full buffers grow, those that time sent off nearly empty shrink.
void Fetch::flush() {
    if (gathered_.empty()) return;
    if (gathered_.size() * 8 > gathered_.capacity() * 7)
        buffer_bytes_ = std::min(gathered_.capacity() * 2, largest_buffer);
    else if (gathered_.size() * 4 < gathered_.capacity())
        buffer_bytes_ = std::max(gathered_.capacity() / 2, smallest_buffer);
    site_.outbox.emplace_back(id_, Chunk{gathered_at_, std::move(gathered_)});
    gathered_ = {};
    last_flush_ = clock_now();
}

void Fetch::conclude(Result<void> result) {
    if (concluded_) return;
    flush();
    concluded_ = true;
    drain_until_ = clock_now();
    if (!result) result.error().message = printable(address_.text, 300) + ": " + result.error().message;
    site_.outbox.emplace_back(id_, std::move(result));
}

}  // namespace packswarm::web
