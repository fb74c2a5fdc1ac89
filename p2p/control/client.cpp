#include "p2p/control/client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <iterator>

#include "p2p/control/line_socket.hpp"

namespace packswarm::control {

namespace {

using Clock = std::chrono::steady_clock;

Millis left_until(Clock::time_point deadline) {
    return std::max(Millis(0), std::chrono::ceil<Millis>(deadline - Clock::now()));
}

// True when the socket became ready within the time given.
bool wait_for(int fd, short what, Millis timeout) {
    const auto deadline = Clock::now() + timeout;
    pollfd waiter{fd, what, 0};
    int ready = ::poll(&waiter, 1, static_cast<int>(timeout.count()));
    while (ready < 0 && errno == EINTR) ready = ::poll(&waiter, 1, static_cast<int>(left_until(deadline).count()));
    return ready > 0;
}

Result<FileHandle> connect_socket(const std::string& path, Millis timeout) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path)
        return fail(ErrorKind::Refused, "{} is no usable socket path", path);
    path.copy(address.sun_path, path.size());
    FileHandle socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket.open()) return fail(ErrorKind::Broken, "creating a socket: {}", std::strerror(errno));
    // connect(2) on a unix socket waits only for room in the listener's queue, and keeps to the send timeout.
    const auto seconds = std::chrono::floor<Seconds>(timeout);
    const timeval limit{seconds.count(), std::chrono::microseconds(timeout - seconds).count()};
    ::setsockopt(socket.fd(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        const auto kind = errno == EAGAIN ? ErrorKind::Transient : ErrorKind::Absent;
        return fail(kind, "no agent answers at {}: {}", path, std::strerror(errno));
    }
    return socket;
}

}  // namespace

struct Client::State {
    explicit State(FileHandle socket) : wire(std::move(socket)) {}

    LineSocket wire;
    std::uint64_t last_id = 0;
    std::vector<Event> events;    // received, not yet given out
    std::optional<Error> broken;  // why nothing more will come

    void break_off(Error error) {
        if (!broken) broken = std::move(error);
    }
    // Turns the lines that are there into events.
    void read_lines() {
        while (!broken) {
            auto line = wire.take_line();
            if (!line) return break_off(line.error());
            if (!*line) return;
            auto event = parse_event(**line);
            if (!event) return break_off(event.error());
            if (event->with_file) event->file = wire.take_file();
            if (event->with_file && !event->file.open())
                return break_off({ErrorKind::Refused, "the agent's descriptor did not arrive"});
            events.push_back(std::move(*event));
        }
    }
    void take_input() {
        const auto received = wire.receive();
        read_lines();
        if (!received) break_off(received.error());
    }
};

Client::Client(std::unique_ptr<State> state) : state_(std::move(state)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::connect(const std::string& path, const std::string& asker, Millis timeout) {
    auto socket = connect_socket(path, timeout);
    if (!socket) return tl::unexpected(socket.error());
    Client client(std::make_unique<State>(std::move(*socket)));
    if (auto sent = client.send(Hello{asker}); !sent) return tl::unexpected(sent.error());
    return client;
}

int Client::fd() const { return state_->wire.fd(); }
bool Client::has_events() const { return !state_->events.empty() || state_->broken; }
std::uint64_t Client::next_id() { return ++state_->last_id; }

Result<void> Client::send(const Command& command, const FileHandle* file) {
    if (state_->broken) return tl::unexpected(*state_->broken);
    FileHandle copy;
    if (file) {
        auto duplicate = file->duplicate();
        if (!duplicate) return tl::unexpected(duplicate.error());
        copy = std::move(*duplicate);
    }
    state_->wire.queue(to_line(command), std::move(copy));
    const auto deadline = Clock::now() + send_timeout;
    while (true) {
        auto sent = state_->wire.flush();
        if (!sent || !state_->wire.has_output()) return sent;
        if (left_until(deadline) == Millis(0))
            return fail(ErrorKind::Transient, "the agent does not read its commands");
        // The agent may itself be waiting for us to read: both directions move.
        wait_for(fd(), POLLIN | POLLOUT, left_until(deadline));
        state_->take_input();
        if (state_->broken) return tl::unexpected(*state_->broken);
    }
}

Result<std::vector<Event>> Client::receive(Millis timeout) {
    const auto deadline = Clock::now() + timeout;
    if (!state_->broken) state_->take_input();
    while (state_->events.empty() && !state_->broken && left_until(deadline) > Millis(0)) {
        if (wait_for(fd(), POLLIN, left_until(deadline))) state_->take_input();
    }
    if (state_->events.empty() && state_->broken) return tl::unexpected(*state_->broken);
    return std::exchange(state_->events, {});
}

Result<std::string> Client::call(const std::string& op, const Arguments& args, Millis timeout, const FileHandle* file) {
    const auto deadline = Clock::now() + timeout;
    const Query query{next_id(), op, args, file != nullptr};
    if (auto sent = send(query, file); !sent) return tl::unexpected(sent.error());
    std::vector<Event> others;
    std::optional<Event> answer;
    Result<std::vector<Event>> events;
    while (!answer && (events = receive(left_until(deadline))) && !events->empty()) {
        for (auto& event : *events) {
            const bool ours = !answer && (event.id == query.id || (event.id == 0 && event.kind == EventKind::failed));
            if (ours)
                answer = std::move(event);
            else
                others.push_back(std::move(event));
        }
    }
    state_->events = std::move(others);
    if (!events) return tl::unexpected(events.error());
    if (!answer) return fail(ErrorKind::Transient, "the agent did not answer {} in time", op);
    if (answer->kind == EventKind::failed) return tl::unexpected(answer->error);
    return answer->result;
}

}  // namespace packswarm::control
