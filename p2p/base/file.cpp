#include "p2p/base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "p2p/base/deleted_files.hpp"
#include "p2p/base/stop.hpp"

namespace packswarm {

namespace {

constexpr ByteCount copied_at_once = 16 << 20;  // no signal gets through to the kernel in between

tl::unexpected<Error> errno_error(const std::string& what) {
    const int code = errno;
    const auto kind = code == ENOENT ? ErrorKind::Absent : ErrorKind::Broken;
    return fail(kind, "{}: {}", what, std::strerror(code));
}

Result<void> copy_through_memory(const FileHandle& from, const FileHandle& to, ByteRange range) {
    std::array<char, 1 << 16> buffer;
    for (ByteCount at = range.begin; at < range.end;) {
        if (auto going = unless_stopped(); !going) return going;
        const auto want = std::min<ByteCount>(buffer.size(), range.end - at);
        auto got = read_at(from, at, std::span(buffer.data(), static_cast<std::size_t>(want)));
        if (!got) return tl::unexpected(got.error());
        if (*got == 0) return fail(ErrorKind::Broken, "the file ended at {} while copying up to {}", at, range.end);
        if (auto written = write_at(to, at, {buffer.data(), *got}); !written) return written;
        at += static_cast<ByteCount>(*got);
    }
    return {};
}

}  // namespace

FileHandle& FileHandle::operator=(FileHandle&& other) noexcept {
    if (this != &other) {
        if (fd_ >= 0) close_file(fd_);
        fd_ = other.release();
    }
    return *this;
}

FileHandle::~FileHandle() {
    if (fd_ >= 0) close_file(fd_);
}

Result<FileHandle> FileHandle::duplicate() const {
    const int copy = ::fcntl(fd_, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) return errno_error("duplicating a file descriptor");
    return FileHandle(copy);
}

Result<FileHandle> open_for_reading(const std::filesystem::path& path) {
    FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!file.open()) return errno_error("opening " + path.string());
    struct stat st {};
    if (::fstat(file.fd(), &st) != 0) return errno_error("looking at " + path.string());
    if (!S_ISREG(st.st_mode)) return fail(ErrorKind::Refused, "{} is not a regular file", path.string());
    return file;
}

Result<FileInfo> file_info(const FileHandle& file) {
    struct stat st {};
    if (::fstat(file.fd(), &st) != 0) return errno_error("looking at an open file");
    return info_of(st);
}

FileInfo info_of(const struct stat& looked_at) {
    const auto ns = [](const timespec& time) { return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; };
    return {looked_at.st_size, looked_at.st_ino, ns(looked_at.st_mtim), ns(looked_at.st_ctim)};
}

Result<std::size_t> read_at(const FileHandle& file, ByteCount offset, std::span<char> out) {
    std::size_t total = 0;
    while (total < out.size()) {
        const auto got =
            ::pread(file.fd(), out.data() + total, out.size() - total, offset + static_cast<ByteCount>(total));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno_error("reading");
        if (got == 0) break;
        total += static_cast<std::size_t>(got);
    }
    return total;
}

Result<void> write_at(const FileHandle& file, ByteCount offset, ByteView bytes) {
    std::size_t total = 0;
    while (total < bytes.size()) {
        const auto put =
            ::pwrite(file.fd(), bytes.data() + total, bytes.size() - total, offset + static_cast<ByteCount>(total));
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return errno_error("writing");
        total += static_cast<std::size_t>(put);
    }
    return {};
}

Result<std::string> read_text(const std::filesystem::path& path, ByteCount max_bytes) {
    FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.open()) return errno_error("opening " + path.string());
    std::string text;
    std::array<char, 1 << 14> buffer;
    while (true) {
        const auto got = ::read(file.fd(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno_error("reading " + path.string());
        if (got == 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(got));
        if (static_cast<ByteCount>(text.size()) > max_bytes)
            return fail(ErrorKind::Refused, "{} is larger than {} bytes", path.string(), max_bytes);
    }
}

Result<void> replace_file(const std::filesystem::path& path, ByteView content, unsigned mode) {
    std::string temporary = path.string() + ".XXXXXX";
    FileHandle file(::mkostemp(temporary.data(), O_CLOEXEC));
    if (!file.open()) return errno_error("creating a file beside " + path.string());
    auto written = write_at(file, 0, content);
    // What it takes the place of is freed elsewhere (deleted_files.hpp).
    const FileHandle replaced(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (written &&
        (::fchmod(file.fd(), mode) != 0 || ::fsync(file.fd()) != 0 || ::rename(temporary.c_str(), path.c_str()) != 0))
        written = errno_error("replacing " + path.string());
    if (!written) {
        ::unlink(temporary.c_str());
        return written;
    }
    const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
    FileHandle directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.open()) ::fsync(directory.fd());
    return {};
}

Result<void> copy_range(const FileHandle& from, const FileHandle& to, ByteRange range) {
    while (!range.empty()) {
        if (auto going = unless_stopped(); !going) return going;
        off_t in = range.begin;
        off_t out = range.begin;
        const auto length = std::min(range.length(), copied_at_once);
        const auto moved = ::copy_file_range(from.fd(), &in, to.fd(), &out, static_cast<std::size_t>(length), 0);
        if (moved < 0 && errno == EINTR) continue;
        if (moved <= 0) return copy_through_memory(from, to, range);
        range.begin += moved;
    }
    return {};
}

}  // namespace packswarm
