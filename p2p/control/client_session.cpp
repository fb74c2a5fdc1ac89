#include "p2p/control/client_session.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/base/mishap.hpp"

namespace packswarm::control {

namespace {

using ErrorCode = boost::system::error_code;
using Descriptor = boost::asio::posix::stream_descriptor;

constexpr ByteCount long_line = 64 * limits::kib;
constexpr std::array<std::string_view, 3> askers{"apt", "pacman", "cli"};

// A second open file description that can only read and has an offset of its own: the receiver is another program.
Result<FileHandle> open_for_handing_out(const broker::SharedBytes& bytes) {
    if (!bytes || !bytes->open()) return fail(ErrorKind::Broken, "a file without a descriptor");
    const std::string path = "/proc/self/fd/" + std::to_string(bytes->fd());
    FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.open()) return fail(ErrorKind::Broken, "opening a file for the asker: {}", std::strerror(errno));
    return file;
}

std::vector<Source> sources_of(const broker::Delivered& delivered) {
    std::vector<Source> out;
    for (const auto& share : delivered.sources)
        out.push_back({std::string(to_string(share.kind)), share.source, share.bytes});
    return out;
}

}  // namespace

ClientSession::ClientSession(boost::asio::io_context& io, FileHandle socket, Parts parts)
    : parts_(std::move(parts)),
      wire_(std::move(socket), is_of_owner() ? Files::taken : Files::refused),
      ready_(io),
      stall_(io),
      last_used_(std::chrono::steady_clock::now()) {}

ClientSession::~ClientSession() { close(); }

bool ClientSession::is_of_owner() const { return parts_.uid == 0 || parts_.uid == ::geteuid(); }

void ClientSession::start() {
    ErrorCode error;
    ready_.assign(wire_.fd(), error);
    if (error) return close();
    read_when_there_is_something();
}

void ClientSession::close() {
    if (std::exchange(closed_, true)) return;
    for (const auto& [id, get] : std::exchange(gets_, {})) parts_.requests.cancel(get.request);
    stall_.cancel();
    if (ready_.is_open()) ready_.release();
    parts_.closing->close(parts_.uid, wire_.take_all(), std::move(parts_.left));
    if (auto hook = std::exchange(closed_hook_, {})) hook();
}

// A client that does not take its events is not listened to either.
void ClientSession::read_when_there_is_something() {
    if (closed_ || reading_ || wire_.queued() > limits::max_control_output) return;
    reading_ = true;
    ready_.async_wait(Descriptor::wait_read, [self = shared_from_this()](const ErrorCode& error) {
        self->reading_ = false;
        if (!error) self->on_readable();
    });
}

void ClientSession::on_readable() {
    if (closed_) return;
    last_used_ = std::chrono::steady_clock::now();
    const auto received = wire_.receive();
    read_commands();
    if (closed_) return;
    if (!received && received.error().kind == ErrorKind::Refused) send_failure(0, received.error());
    if (!received) return close();
    if (wire_.unfinished() >= long_line && parts_.has_long_line) parts_.has_long_line();
    read_when_there_is_something();
}

void ClientSession::read_commands() {
    while (!closed_ && wire_.queued() <= limits::max_control_output) {
        auto line = wire_.take_line();
        if (!line) {
            on_bad_line(line.error());
            return close();
        }
        if (!*line) return;
        obey(**line);
    }
}

void ClientSession::obey(std::string_view line) {
    try {
        auto command = parse_command(line);
        if (!command) return on_bad_line(command.error());
        std::visit([this](auto one) { on_command(std::move(one)); }, std::move(*command));
    } catch (const std::exception& error) {
        note_mishap("control: " + printable(line, 80), error.what());
        send_failure(0, {ErrorKind::Broken, "the agent failed at this line; its log says why"});
        close();
    }
}

void ClientSession::on_bad_line(const Error& error) {
    send_failure(0, {ErrorKind::Refused, error.message});
    if (++bad_lines_ >= limits::max_bad_lines) close();
}

void ClientSession::on_command(Hello hello) {
    if (hello.version != protocol_version) {
        send_failure(0, {ErrorKind::Refused,
                         fmt::format("this agent speaks version {} of the control protocol", protocol_version)});
        return close();
    }
    if (!asker_.empty() || std::find(askers.begin(), askers.end(), hello.asker) == askers.end())
        return on_bad_line({ErrorKind::Refused, "a hello that names no known asker, or a second one"});
    asker_ = std::move(hello.asker);
    parts_.transaction = asker_ + "-" + parts_.transaction;
}

void ClientSession::on_command(Get get) {
    if (asker_.empty() || gets_.contains(get.id))
        return on_bad_line({ErrorKind::Refused, "a get before hello, or with an id in use"});
    if (get.stored && !is_of_owner())
        return send_failure(get.id, {ErrorKind::Refused, "only root and the agent's own user may take from the store"});
    if (gets_.size() >= limits::max_control_gets)
        return send_failure(get.id, {ErrorKind::Refused, "too many files asked for at once"});
    broker::Request request;
    request.url = std::move(get.url);
    request.digest = get.digest;
    request.size = get.size;
    request.max_size = get.max_size;
    if (get.stored) request.from = broker::From::store;
    request.if_modified_since = get.since;
    if (asker_ == "apt") request.lists = std::move(get.lists);
    request.asker = asker_;
    request.user = fmt::format("user {}", parts_.uid);
    if (asker_ == "apt") request.unlisted = broker::Unlisted::left_to_asker;
    request.transaction = parts_.transaction;
    gets_[get.id].request = parts_.requests.get(std::move(request), events_of(get.id));
}

void ClientSession::on_command(Cancel cancel) {
    const auto it = gets_.find(cancel.id);
    if (it == gets_.end()) return;  // it has just ended
    parts_.requests.cancel(it->second.request);
    gets_.erase(it);
}

void ClientSession::on_command(Query query) {
    PassedFile file(query.with_file ? wire_.take_file() : FileHandle(), parts_.uid, parts_.closing);
    if (asker_.empty() || queries_.contains(query.id))
        return on_bad_line({ErrorKind::Refused, "a query before hello, or with an id in use"});
    if (query.with_file && !file.open())
        return send_failure(query.id, {ErrorKind::Refused, "the descriptor did not arrive"});
    if (is_for_owner(query.op) && !is_of_owner())
        return send_failure(query.id,
                            {ErrorKind::Refused, fmt::format("only root and the agent's own user may {}", query.op)});
    if (queries_.size() >= limits::max_control_queries)
        return send_failure(query.id, {ErrorKind::Refused, "too many questions at once"});
    queries_.insert(query.id);
    parts_.view.answer({query.op, query.args, std::move(file), parts_.uid, is_of_owner()},
                       [weak = weak_from_this(), id = query.id](Result<std::string> result) {
                           const auto self = weak.lock();
                           if (!self || self->queries_.erase(id) == 0) return;
                           if (!result) return self->send_failure(id, result.error());
                           Event event;
                           event.kind = EventKind::answer;
                           event.id = id;
                           event.result = std::move(*result);
                           self->send(std::move(event));
                       });
}

broker::RequestEvents ClientSession::events_of(std::uint64_t id) {
    // The broker keeps these no longer than the request; the request is cancelled when this session closes.
    broker::RequestEvents events;
    events.started = [this, id](const broker::Started& started) { on_started(id, started); };
    events.progress = [this, id](const broker::Progress& progress) { on_progress(id, progress); };
    events.delivered = [this, id](const broker::Delivered& delivered) { on_delivered(id, delivered); };
    events.not_modified = [this, id] {
        Event event;
        event.kind = EventKind::not_modified;
        finish_get(id, std::move(event));
    };
    events.failed = [this, id](const Error& error) {
        Event event;
        event.error = error;
        finish_get(id, std::move(event));
    };
    return events;
}

void ClientSession::on_started(std::uint64_t id, const broker::Started& started) {
    auto file = open_for_handing_out(started.bytes);
    if (!file) return;  // the file itself still comes with done
    Event event;
    event.kind = EventKind::start;
    event.id = id;
    event.size = started.size;
    event.modified = started.modified;
    event.file = std::move(*file);
    send(std::move(event));
}

void ClientSession::on_progress(std::uint64_t id, const broker::Progress& progress) {
    const auto it = gets_.find(id);
    if (it == gets_.end()) return;
    it->second.waiting = progress;
    if (!wire_.has_output()) send_waiting_progress();
}

void ClientSession::on_delivered(std::uint64_t id, const broker::Delivered& delivered) {
    Event event;
    event.kind = EventKind::done;
    event.size = delivered.size;
    event.modified = delivered.modified;
    event.digest = delivered.digest;
    event.sources = sources_of(delivered);
    if (auto file = open_for_handing_out(delivered.bytes)) {
        event.file = std::move(*file);
    } else {
        event.kind = EventKind::failed;
        event.error = file.error();
    }
    finish_get(id, std::move(event));
}

void ClientSession::finish_get(std::uint64_t id, Event event) {
    if (gets_.erase(id) == 0) return;
    event.id = id;
    send(std::move(event));
}

void ClientSession::send_failure(std::uint64_t id, Error error) {
    Event event;
    event.id = id;
    event.error = std::move(error);
    send(std::move(event));
}

void ClientSession::send(Event event) {
    if (closed_) return;
    std::string line = to_line(event);
    if (line.size() > limits::max_control_line)
        return send_failure(event.id, {ErrorKind::Refused, "the answer is too long for one line"});
    wire_.queue(std::move(line), std::move(event.file));
    flush();
}

void ClientSession::send_waiting_progress() {
    for (auto& [id, get] : gets_) {
        if (!get.waiting) continue;
        if (wire_.has_output()) return;
        const auto progress = *std::exchange(get.waiting, std::nullopt);
        Event event;
        event.kind = EventKind::progress;
        event.id = id;
        event.received = progress.received;
        event.prefix = progress.prefix;
        event.safe = progress.safe;
        event.modified = progress.modified;
        wire_.queue(to_line(event));
        if (!wire_.flush()) break;
    }
    flush();
}

void ClientSession::flush() {
    if (closed_) return;
    // Errors close from the loop, not from here: the caller may be in the middle of its work.
    if (!wire_.flush()) return boost::asio::post(ready_.get_executor(), [self = shared_from_this()] { self->close(); });
    if (wire_.has_output()) flush_when_there_is_room();
}

void ClientSession::flush_when_there_is_room() {
    if (std::exchange(writing_, true)) return;
    stall_.expires_after(parts_.write_stall);
    stall_.async_wait([self = shared_from_this()](const ErrorCode& error) {
        if (!error && self->writing_) self->close();
    });
    ready_.async_wait(Descriptor::wait_write, [self = shared_from_this()](const ErrorCode& error) {
        self->writing_ = false;
        if (error || self->closed_) return;
        self->stall_.cancel();
        self->flush();
        if (!self->wire_.has_output()) self->send_waiting_progress();
        self->read_commands();
        self->read_when_there_is_something();
    });
}

}  // namespace packswarm::control
