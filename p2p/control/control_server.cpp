#include "p2p/control/control_server.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>
#include <map>
#include <set>
#include <vector>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/control/client_session.hpp"

namespace packswarm::control {

namespace {

using ErrorCode = boost::system::error_code;
using Descriptor = boost::asio::posix::stream_descriptor;

constexpr int backlog = 64;
constexpr auto pause_after_failed_accept = Millis(100);  // out of descriptors: do not spin

Result<sockaddr_un> address_of(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string text = path.string();
    if (text.empty() || text.size() >= sizeof address.sun_path)
        return fail(ErrorKind::Broken, "the control socket's path must have 1 to {} characters: {}",
                    sizeof address.sun_path - 1, text);
    text.copy(address.sun_path, text.size());
    return address;
}

Result<FileHandle> new_socket() {
    FileHandle socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket.open()) return fail(ErrorKind::Broken, "creating the control socket: {}", std::strerror(errno));
    return socket;
}

bool somebody_listens(const sockaddr_un& address) {
    auto probe = new_socket();
    return probe && (::connect(probe->fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
                     errno == EAGAIN);
}

// What else lies in its place is somebody's: it is neither asked, replaced nor deleted.
Result<void> check_place(const std::filesystem::path& path) {
    struct stat st {};
    if (::lstat(path.c_str(), &st) != 0 || S_ISSOCK(st.st_mode)) return {};
    return fail(ErrorKind::Refused, "{} is {}, where the control socket has its place: move it away", path.string(),
                S_ISLNK(st.st_mode) ? "a symbolic link" : "no socket");
}

// Binds beside the path and renames: the socket appears with its mode, listening, in place of a dead agent's.
Result<FileHandle> listen_at(const std::filesystem::path& path) {
    auto address = address_of(path);
    if (!address) return tl::unexpected(address.error());
    const std::string beside = path.string() + ".new";
    for (const auto& place : {path, std::filesystem::path(beside)})
        if (auto free = check_place(place); !free) return tl::unexpected(free.error());
    if (somebody_listens(*address)) return fail(ErrorKind::Refused, "another agent listens at {}", path.string());
    auto temporary = address_of(beside);
    if (!temporary) return tl::unexpected(temporary.error());
    auto socket = new_socket();
    if (!socket) return socket;
    ::unlink(beside.c_str());
    if (::bind(socket->fd(), reinterpret_cast<const sockaddr*>(&*temporary), sizeof *temporary) != 0 ||
        ::chmod(beside.c_str(), 0666) != 0 || ::listen(socket->fd(), backlog) != 0 ||
        ::rename(beside.c_str(), path.c_str()) != 0) {
        const int code = errno;
        ::unlink(beside.c_str());
        return fail(ErrorKind::Broken, "listening at {}: {}", path.string(), std::strerror(code));
    }
    return socket;
}

std::uint64_t inode_of(const std::filesystem::path& path) {
    struct stat st {};
    return ::lstat(path.c_str(), &st) == 0 ? st.st_ino : 0;
}

}  // namespace

struct ControlServer::State : std::enable_shared_from_this<ControlServer::State> {
    State(boost::asio::io_context& io_, broker::Requests& requests_, OwnerView& view_, FileHandle listener,
          ControlSettings settings_)
        : io(io_),
          requests(requests_),
          view(view_),
          acceptor(io_, listener.release()),
          pause(io_),
          settings(std::move(settings_)),
          inode(inode_of(settings.socket)),
          started(std::chrono::floor<Seconds>(std::chrono::system_clock::now())) {
        if (settings.memory) part.emplace(*settings.memory);
    }

    boost::asio::io_context& io;
    broker::Requests& requests;
    OwnerView& view;
    Descriptor acceptor;
    boost::asio::steady_timer pause;
    ControlSettings settings;
    std::uint64_t inode;
    WallTime started;
    std::uint64_t last_client = 0;
    std::vector<std::shared_ptr<ClientSession>> sessions;
    std::optional<MemorySum::Part> part;  // lines that are not whole
    std::shared_ptr<Closing> closing = std::make_shared<Closing>();
    std::multiset<unsigned> leaving;  // users of clients that have gone, and of whom something is still being closed

    void accept_next() {
        acceptor.async_wait(Descriptor::wait_read, [self = shared_from_this()](const ErrorCode& error) {
            if (!error) self->accept_all();
        });
    }

    void accept_all() {
        while (acceptor.is_open()) {
            FileHandle socket(::accept4(acceptor.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
            if (socket.open()) {
                welcome(std::move(socket));
            } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
                return accept_next();
            } else if (errno != EINTR && errno != ECONNABORTED) {
                SPDLOG_WARN("accepting on the control socket: {}", std::strerror(errno));
                return accept_later();
            }
        }
    }

    void accept_later() {
        pause.expires_after(pause_after_failed_accept);
        pause.async_wait([self = shared_from_this()](const ErrorCode& error) {
            if (!error) self->accept_all();
        });
    }

    void welcome(FileHandle socket) {
        ucred peer{};
        socklen_t length = sizeof peer;
        if (::getsockopt(socket.fd(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return;
        if (!make_room(peer.uid))
            return SPDLOG_WARN("the control socket has too many busy clients; one of user {} was turned away",
                               peer.uid);
        // The start time keeps the names of transactions apart from those of an earlier run.
        ClientSession::Parts parts{requests,
                                   view,
                                   closing,
                                   has_left(peer.uid),
                                   peer.uid,
                                   fmt::format("{}-{}", started.time_since_epoch().count(), ++last_client),
                                   settings.write_stall,
                                   [weak = weak_from_this()] {
                                       if (const auto self = weak.lock()) self->bound_input();
                                   }};
        auto session = std::make_shared<ClientSession>(io, std::move(socket), std::move(parts));
        session->when_closed([weak = weak_from_this(), raw = session.get(), uid = peer.uid] {
            const auto self = weak.lock();
            if (!self) return;
            self->leaving.insert(uid);
            std::erase_if(self->sessions, [&](const auto& one) { return one.get() == raw; });
            self->count_input();
        });
        sessions.push_back(session);
        session->start();
    }

    // What is called on the closing thread once nothing of such a client is open any more.
    std::function<void()> has_left(unsigned uid) {
        return [&io = io, weak = weak_from_this(), uid] {
            boost::asio::post(io, [weak, uid] {
                const auto self = weak.lock();
                if (!self) return;
                if (const auto at = self->leaving.find(uid); at != self->leaving.end()) self->leaving.erase(at);
            });
        };
    }

    // Where a bound is reached, the client that has been idle the longest goes; false when all are busy.
    bool make_room(unsigned uid) {
        if (leaving.count(uid) >= limits::max_control_clients_per_user) return false;
        const auto of_user = [uid](const auto& session) { return session->uid() == uid; };
        const auto anybody = [](const auto&) { return true; };
        const auto count = std::count_if(sessions.begin(), sessions.end(), of_user);
        if (static_cast<std::size_t>(count) >= limits::max_control_clients_per_user && !close_idle(of_user))
            return false;
        return sessions.size() < limits::max_control_clients || close_idle(anybody);
    }

    template <class Which>
    bool close_idle(Which which) {
        std::shared_ptr<ClientSession> oldest;
        for (const auto& session : sessions) {
            if (!which(session) || !session->is_idle()) continue;
            if (!oldest || session->last_used() < oldest->last_used()) oldest = session;
        }
        if (oldest) oldest->close();
        return oldest != nullptr;
    }

    ByteCount count_input() {
        ByteCount sum = 0;
        for (const auto& session : sessions) sum += session->unfinished();
        if (part) part->set(sum);
        return sum;
    }

    // Of the user whose clients have begun most, the longest line goes, until all together are within their bound.
    void bound_input() {
        for (;;) {
            if (count_input() <= (part ? std::min(limits::max_control_input, part->room()) : limits::max_control_input))
                return;
            std::map<unsigned, ByteCount> by_user;
            for (const auto& session : sessions) by_user[session->uid()] += session->unfinished();
            const auto most = std::max_element(by_user.begin(), by_user.end(),
                                               [](const auto& a, const auto& b) { return a.second < b.second; });
            std::shared_ptr<ClientSession> longest;
            for (const auto& session : sessions)
                if (session->uid() == most->first && (!longest || session->unfinished() > longest->unfinished()))
                    longest = session;
            SPDLOG_WARN("control lines without an end: the longest of user {} is ended with its client", most->first);
            longest->close();
        }
    }

    void stop() {
        ErrorCode ignored;
        acceptor.close(ignored);
        pause.cancel();
        for (const auto& session : std::exchange(sessions, {})) session->close();
        closing->end();
        if (inode != 0 && inode_of(settings.socket) == inode) ::unlink(settings.socket.c_str());
    }
};

ControlServer::ControlServer(std::shared_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<ControlServer>> ControlServer::open(boost::asio::io_context& io, broker::Requests& requests,
                                                           OwnerView& view, ControlSettings settings) {
    auto listener = listen_at(settings.socket);
    if (!listener) return tl::unexpected(listener.error());
    auto state = std::make_shared<State>(io, requests, view, std::move(*listener), std::move(settings));
    state->accept_next();
    return std::unique_ptr<ControlServer>(new ControlServer(std::move(state)));
}

ControlServer::~ControlServer() { state_->stop(); }

std::size_t ControlServer::clients() const { return state_->sessions.size(); }

}  // namespace packswarm::control
