#include "p2p/gateway/connection.hpp"

#include <sys/sendfile.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/base/mishap.hpp"
#include "p2p/gateway/http/pacing.hpp"

namespace packswarm::gateway {

namespace asio = boost::asio;

namespace {

using ErrorCode = boost::system::error_code;
using asio::ip::tcp;

constexpr ByteCount bytes_per_turn = 4 * limits::mib;  // then the other connections of the loop have theirs
constexpr ByteCount held_back = limits::mib;           // of a file, of which each piece is looked at before it goes
constexpr ByteCount looked_at = 64 * limits::kib;      // such a piece
constexpr auto linger_time = Seconds(2);
constexpr auto repeat_time = Seconds(3);  // for who was sent here again to come

TimePoint now() { return std::chrono::steady_clock::now(); }
WallTime wall_now() { return std::chrono::floor<Seconds>(std::chrono::system_clock::now()); }

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK; }

// Through memory, where the kernel cannot send from this file itself.
ssize_t send_copied(int socket, const FileHandle& file, ByteRange part) {
    std::array<char, 64 * 1024> buffer;
    const auto want = std::min<ByteCount>(part.length(), buffer.size());
    const auto got = read_at(file, part.begin, std::span(buffer.data(), static_cast<std::size_t>(want)));
    if (!got) errno = EIO;
    return got ? ::send(socket, buffer.data(), *got, MSG_NOSIGNAL) : -1;
}

// As send(2): bytes sent, 0 when the file ends before the part does.
ssize_t send_from_file(int socket, const FileHandle& file, ByteRange part) {
    off_t offset = part.begin;
    const auto sent = ::sendfile(socket, file.fd(), &offset, static_cast<std::size_t>(part.length()));
    if (sent >= 0 || (errno != EINVAL && errno != ENOSYS)) return sent;
    return send_copied(socket, file, part);
}

}  // namespace

Connection::Connection(tcp::socket socket, Parts parts)
    : socket_(std::move(socket)),
      parts_(std::move(parts)),
      bell_(socket_.get_executor()),
      idle_since_(now()),
      moved_(idle_since_) {}

void Connection::start(std::function<void()> closed) {
    closed_ = std::move(closed);
    ErrorCode ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    socket_.non_blocking(true, ignored);
    asio::co_spawn(socket_.get_executor(), run(shared_from_this()), asio::detached);
}

void Connection::stop() {
    stopped_ = true;
    for (const auto& turn : turns_) turn->cancel();
    if (sent_again_) sent_again_->cancel();
    ErrorCode ignored;
    socket_.close(ignored);
    bell_.cancel();
}

Connection::Awaitable<void> Connection::run(std::shared_ptr<Connection> self) {
    try {
        while (co_await self->serve_next()) self->idle_since_ = now();
        co_await self->linger();
    } catch (const std::exception& error) {
        note_mishap("a connection of the gateway", error.what());
    }
    self->stop();
    if (auto closed = std::exchange(self->closed_, {})) closed();
}

Connection::Awaitable<bool> Connection::serve_next() {
    while (turns_.empty() && !bad_head_) {
        watch_input();
        const auto deadline = input_deadline();
        if (is_gone() || last_head_read_) co_return false;
        if (now() >= deadline && partial_since_) bad_head_ = Problem{408, "the request's head did not come in time"};
        if (now() >= deadline) break;
        if (sent_again_ && now() >= idle_since_ + repeat_time) forget_sent();
        co_await wait_for_change(sent_again_ ? std::min(deadline, idle_since_ + repeat_time) : deadline);
    }
    if (turns_.empty()) {
        if (bad_head_) co_await send_text(problem_reply(*bad_head_, Body::sent, false, wall_now()), 0);
        co_return false;
    }
    const bool go_on = co_await answer(turns_.front());
    if (stopped_) co_return false;
    if (turns_.front() != sent_again_) turns_.front()->cancel();
    turns_.pop_front();
    read_heads();
    co_return go_on;
}

// ---- Answers
// -----------------------------------------------------------------------------------------------------------------

Connection::Awaitable<bool> Connection::answer(Turn turn) {
    co_await wait_for_answer(turn);
    if (is_gone()) co_return false;
    const Head& head = turn->head();
    if (turn->problem()) {
        const Body body = head.wants_body ? Body::sent : Body::left_out;
        if (!co_await send_text(problem_reply(*turn->problem(), body, head.keep_alive, wall_now()), 0)) co_return false;
    } else if (is_sent_again(*turn)) {
        if (!co_await send_text(again_reply(head.spelling, head.keep_alive, wall_now()), 0)) co_return false;
        sent_again_ = turn;
    } else if (turn->is_not_modified()) {
        if (!co_await send_text(not_modified_reply(turn->modified(), head.keep_alive, wall_now()), 0)) co_return false;
    } else if (!co_await send_file_answer(turn)) {
        co_return false;
    }
    co_return head.keep_alive;
}

bool Connection::can_answer(const Exchange& turn) const {
    if (turn.problem() || turn.is_not_modified() || turn.is_complete()) return true;
    const ByteCount first = turn.head().range ? turn.head().range->first.value_or(turn.size()) : 0;
    const Pace pace{first, turn.safe(), turn.size(), pacing_tick};
    return turn.is_described() && (!turn.head().wants_body || bytes_to_send(pace) > 0);
}

// pacman's ten seconds without a byte begin anew with each redirection, and it follows ten. Only while bytes come at
// all: when they do not, it has other servers.
bool Connection::is_sent_again(const Exchange& turn) const {
    const auto patience = parts_.patience.again;
    if (!turn.may_be_sent_again() || can_answer(turn) || now() < turn.asked() + patience) return false;
    return now() < parts_.requests.last_sign() + patience;
}

void Connection::forget_sent() {
    if (sent_again_) sent_again_->cancel();
    sent_again_.reset();
}

// Until the status is certain. Nothing is sent before a byte of the body can be: a failure is then still a clean one.
Connection::Awaitable<void> Connection::wait_for_answer(Turn turn) {
    while (!is_gone() && !can_answer(*turn) && !is_sent_again(*turn)) {
        watch_input();
        const auto deadline = turn->last_news() + parts_.patience.answer;
        if (now() >= deadline) turn->give_up({504, "neither mirrors nor peers gave any sign in time"});
        const auto again = turn->asked() + parts_.patience.again;
        const auto look = now() < again ? again : now() + pacing_tick;
        co_await wait_for_change(turn->may_be_sent_again() ? std::min(deadline, look) : deadline);
    }
}

Connection::Awaitable<bool> Connection::send_file_answer(Turn turn) {
    const Head& head = turn->head();
    FileHead reply{turn->size(), {}, turn->modified(), head.keep_alive};
    if (turn->part() || (head.range && head.wants_body && head.takes_part_of(turn->modified()))) {
        reply.range = turn->part() ? std::optional(turn->part()->range) : lay_on(*head.range, turn->size());
        if (!reply.range || reply.range->empty())
            co_return co_await send_text(out_of_range_reply(turn->size(), head.keep_alive, wall_now()), 0);
    }
    const ByteRange body = reply.range.value_or(ByteRange{0, turn->size()});
    const bool more = head.wants_body && turn->is_complete() && !body.empty();
    if (!co_await send_text(file_head(reply, wall_now()), more ? MSG_MORE : 0)) co_return false;
    if (!head.wants_body) co_return true;  // not `||` before a co_await: GCC 12 miscompiles that
    co_return co_await send_body(turn, body);
}

// Safe bytes at their pace while the file is put together, the rest when it is complete. False: the answer falls short,
// also when nothing comes from anywhere any more: a package manager that is kept waiting could not go on by itself.
Connection::Awaitable<bool> Connection::send_body(Turn turn, ByteRange range) {
    const ByteCount promised = turn->size();
    auto last_sent = now() - pacing_tick;
    while (!range.empty()) {
        if (is_gone() || turn->problem() || turn->size() != promised) co_return false;
        const auto since_last = std::chrono::duration_cast<Millis>(now() - last_sent);
        if (turn->is_complete() && !turn->is_as_delivered()) co_return say_it_was_written_to();
        if (turn->is_complete() && range.length() <= held_back) co_return co_await send_end(turn, range);
        const ByteCount count = turn->is_complete() ? std::min(range.length() - held_back, bytes_per_turn)
                                                    : bytes_to_send({range.begin, turn->safe(), range.end, since_last});
        if (count > 0) {
            if (!co_await send_part(turn->bytes(),
                                    {range.begin - turn->first_byte(), range.begin - turn->first_byte() + count}))
                co_return false;
            range.begin += count;
            last_sent = now();
            continue;
        }
        watch_input();
        const auto deadline =
            std::min(turn->last_news() + parts_.patience.answer, turn->last_sign() + parts_.patience.silence);
        if (now() >= deadline) co_return false;
        co_await wait_for_change(std::min(deadline, now() + pacing_tick));
    }
    co_return true;
}

// ---- Output
// ------------------------------------------------------------------------------------------------------------------

Connection::Awaitable<bool> Connection::send_text(std::string text, int flags) {
    std::string_view rest = text;
    while (!rest.empty() && !is_gone()) {
        const auto sent =
            ::send(socket_.native_handle(), rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT | flags);
        if (sent >= 0) {
            moved_ = now();
            rest.remove_prefix(static_cast<std::size_t>(sent));
        } else if (errno != EINTR) {
            if (!would_block()) co_return false;
            if (!co_await wait_until_writable()) co_return false;
        }
    }
    co_return rest.empty();
}

// Somebody may write to a stored file after it was found to be good, while it waits for its turn here. Each piece is
// read before the look, so that nothing is sent that was written to: the client goes on elsewhere from a right
// beginning.
Connection::Awaitable<bool> Connection::send_end(Turn turn, ByteRange range) {
    const auto bytes = turn->bytes();
    while (!range.empty()) {
        std::string piece(static_cast<std::size_t>(std::min(range.length(), looked_at)), '\0');
        const auto got = bytes ? read_at(*bytes, range.begin - turn->first_byte(), piece)
                               : Result<std::size_t>(fail(ErrorKind::Absent, "no bytes"));
        if (!got || *got != piece.size() || !turn->is_as_delivered()) co_return say_it_was_written_to();
        range.begin += static_cast<ByteCount>(piece.size());
        if (!co_await send_text(std::move(piece), 0)) co_return false;
    }
    co_return true;
}

bool Connection::say_it_was_written_to() const {
    spdlog::error("gateway: a file was written to by somebody else while it was being sent; the rest is not sent");
    return false;
}

Connection::Awaitable<bool> Connection::send_part(broker::SharedBytes bytes, ByteRange part) {
    if (!bytes) co_return false;
    ByteCount in_turn = 0;
    while (!part.empty() && !is_gone()) {
        const ByteCount end = std::min(part.end, part.begin + bytes_per_turn - in_turn);
        const auto sent = send_from_file(socket_.native_handle(), *bytes, {part.begin, end});
        if (sent == 0) {
            SPDLOG_ERROR("a file ended at {} while {} bytes of it were being sent", part.begin, part.end);
            co_return false;
        }
        if (sent < 0) {
            if (errno == EINTR) continue;
            if (!would_block()) co_return false;
            if (!co_await wait_until_writable()) co_return false;
            in_turn = 0;
            continue;
        }
        moved_ = now();
        part.begin += sent;
        in_turn += sent;
        if (in_turn < bytes_per_turn) continue;
        co_await asio::post(socket_.get_executor(), asio::use_awaitable);
        in_turn = 0;
    }
    co_return part.empty();
}

Connection::Awaitable<bool> Connection::wait_until_writable() {
    if (stopped_) co_return false;
    writable_ = false;
    if (!std::exchange(watching_output_, true)) {
        socket_.async_wait(tcp::socket::wait_write, [self = shared_from_this()](const ErrorCode&) {
            self->watching_output_ = false;
            self->writable_ = true;
            self->something_happened();
        });
    }
    const auto deadline = now() + parts_.patience.write;
    while (!writable_ && !is_gone() && now() < deadline) {
        watch_input();
        co_await wait_for_change(deadline);
    }
    co_return writable_ && !is_gone();
}

// Closing with unread input would reset the connection, and the client might never see the answer.
Connection::Awaitable<void> Connection::linger() {
    if (is_gone()) co_return;
    ErrorCode ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    last_head_read_ = true;
    const auto deadline = now() + linger_time;
    while (!is_gone() && now() < deadline) {
        input_.clear();
        watch_input();
        co_await wait_for_change(deadline);
    }
}

// ---- Input
// -------------------------------------------------------------------------------------------------------------------

Connection::Awaitable<void> Connection::wait_for_change(TimePoint deadline) {
    ErrorCode ignored;
    if (!std::exchange(changed_, false)) {
        bell_.expires_at(deadline);
        co_await bell_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    changed_ = false;
}

void Connection::something_happened() {
    changed_ = true;
    bell_.cancel();
}

void Connection::watch_input() {
    if (is_gone() || watching_input_ || input_.size() > limits::max_http_head) return;
    watching_input_ = true;
    socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](const ErrorCode& error) {
        self->watching_input_ = false;
        if (!error && !self->stopped_) self->take_input();
        self->something_happened();
    });
}

void Connection::take_input() {
    std::array<char, limits::max_http_head> buffer;
    const auto room = std::min(buffer.size(), limits::max_http_head + 1 - input_.size());
    const auto got = ::recv(socket_.native_handle(), buffer.data(), room, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && !would_block() && errno != EINTR)) eof_ = true;
    if (got <= 0) return;
    input_.append(buffer.data(), static_cast<std::size_t>(got));
    read_heads();
}

void Connection::read_heads() {
    while (!last_head_read_ && !stopped_ && turns_.size() < limits::max_http_pipeline) {
        input_.erase(0, std::min(input_.find_first_not_of("\r\n"),
                                 input_.size()));  // RFC 9112 2.2: empty lines before a request
        if (input_.empty()) return partial_since_.reset();
        if (!partial_since_) partial_since_ = now();
        auto request = read_site_request(input_, parts_.door);
        if (request && !*request) return;
        partial_since_.reset();
        if (!request) {
            bad_head_ = std::move(request.error());
            last_head_read_ = true;
            return;
        }
        input_.erase(0, (*request)->head.length);
        last_head_read_ = !(*request)->head.keep_alive;
        auto turn =
            std::make_shared<Exchange>(parts_.requests, std::move(**request),
                                       Client{parts_.asker, parts_.holder.member}, [this] { something_happened(); });
        turns_.push_back(turn);
        turn->begin(parts_.transaction());
        if (!sent_again_) continue;
        // The new request reaches the broker first: in between nobody would want the file, and its transfer would end.
        auto forget = [self = shared_from_this(), sent = std::exchange(sent_again_, nullptr)] { sent->cancel(); };
        asio::post(socket_.get_executor(), std::move(forget));
    }
}

TimePoint Connection::input_deadline() const {
    return partial_since_ ? *partial_since_ + parts_.patience.head : idle_since_ + parts_.patience.idle;
}

}  // namespace packswarm::gateway
