#include "p2p/control/line_socket.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "p2p/base/limits.hpp"

namespace packswarm::control {

namespace {

constexpr std::size_t files_per_message =
    253;  // SCM_MAX_FD: none is ever cut off, for the kernel to close here and now
constexpr int rounds_per_receive = 16;
constexpr std::size_t receive_size = 16 * 1024;

union ControlSpace {
    cmsghdr header;  // gives the alignment
    char bytes[CMSG_SPACE(files_per_message * sizeof(int))];
};

void collect_files(msghdr& message, std::deque<FileHandle>& files) {
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
            files.emplace_back(fd);
        }
    }
}

void attach_file(msghdr& message, ControlSpace& space, int fd) {
    message.msg_control = space.bytes;
    message.msg_controllen = CMSG_SPACE(sizeof(int));
    cmsghdr* part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(part), &fd, sizeof fd);
}

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK; }

}  // namespace

// How many bytes may be read: none of them has a descriptor. Reading one without room for it would close it in this
// thread; a look at it does not (unix(7), MSG_PEEK). Zero: the other end has closed. None: nothing is there yet.
Result<std::optional<std::size_t>> LineSocket::without_files() const {
    std::array<char, receive_size> buffer;
    iovec part{buffer.data(), buffer.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    const auto seen = ::recvmsg(socket_.fd(), &message, MSG_DONTWAIT | MSG_PEEK);
    if (seen < 0 && (would_block() || errno == EINTR)) return std::nullopt;
    if (seen < 0) return fail(ErrorKind::Transient, "the control connection broke: {}", std::strerror(errno));
    if (message.msg_flags & MSG_CTRUNC)
        return fail(ErrorKind::Refused, "descriptors are taken from root and the agent's own user only");
    return static_cast<std::size_t>(seen);
}

// True when there may be more.
Result<bool> LineSocket::receive_once() {
    std::array<char, receive_size> buffer;
    ControlSpace space{};
    iovec part{buffer.data(), buffer.size()};
    if (takes_ == Files::refused) {
        const auto length = without_files();
        if (!length) return tl::unexpected(length.error());
        if (!*length) return false;
        part.iov_len = **length;
    }
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = space.bytes;
    message.msg_controllen = sizeof space.bytes;
    const auto got = ::recvmsg(socket_.fd(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR) return true;
    if (got < 0 && would_block()) return false;
    if (got < 0) return fail(ErrorKind::Transient, "the control connection broke: {}", std::strerror(errno));
    collect_files(message, files_);
    if (files_.size() > limits::max_control_files) return fail(ErrorKind::Refused, "descriptors that no line claims");
    if (got == 0) return fail(ErrorKind::Transient, "the other end closed the control connection");
    input_.append(buffer.data(), static_cast<std::size_t>(got));
    return true;
}

Result<void> LineSocket::receive() {
    if (taken_ > 0) {
        input_.erase(0, taken_);
        scanned_ -= taken_;
        taken_ = 0;
    }
    for (int round = 0; round < rounds_per_receive; ++round) {
        auto more = receive_once();
        if (!more) return tl::unexpected(more.error());
        if (!*more) break;
    }
    return {};
}

Result<std::optional<std::string>> LineSocket::take_line() {
    const auto end = input_.find('\n', scanned_);
    const auto length = (end == std::string::npos ? input_.size() : end) - taken_;
    if (length > limits::max_control_line)
        return fail(ErrorKind::Refused, "a line longer than {} bytes", limits::max_control_line);
    if (end == std::string::npos) {
        scanned_ = input_.size();
        return std::nullopt;
    }
    std::string line = input_.substr(taken_, length);
    taken_ = scanned_ = end + 1;
    if (taken_ == input_.size()) {  // nor does the room of a long line stay
        input_ = {};
        taken_ = scanned_ = 0;
    }
    return line;
}

FileHandle LineSocket::take_file() {
    if (files_.empty()) return {};
    FileHandle file = std::move(files_.front());
    files_.pop_front();
    return file;
}

std::vector<FileHandle> LineSocket::take_all() {
    std::vector<FileHandle> out;
    for (auto& file : std::exchange(files_, {})) out.push_back(std::move(file));
    for (auto& next : std::exchange(output_, {}))
        if (next.file.open()) out.push_back(std::move(next.file));
    out.push_back(std::exchange(socket_, {}));
    return out;
}

void LineSocket::queue(std::string line, FileHandle file) {
    queued_ += static_cast<ByteCount>(line.size());
    output_.push_back({std::move(line), std::move(file)});
}

// True when something was sent.
Result<bool> LineSocket::send_once(Outgoing& next) {
    ControlSpace space{};
    iovec part{next.line.data() + next.sent, next.line.size() - next.sent};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (next.file.open()) attach_file(message, space, next.file.fd());
    const auto put = ::sendmsg(socket_.fd(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) return true;
    if (put < 0 && would_block()) return false;
    if (put < 0) return fail(ErrorKind::Transient, "the control connection broke: {}", std::strerror(errno));
    next.file = FileHandle();
    next.sent += static_cast<std::size_t>(put);
    queued_ -= put;
    return true;
}

Result<void> LineSocket::flush() {
    while (!output_.empty()) {
        auto sent = send_once(output_.front());
        if (!sent) return tl::unexpected(sent.error());
        if (!*sent) return {};
        if (output_.front().sent == output_.front().line.size()) output_.pop_front();
    }
    return {};
}

}  // namespace packswarm::control
