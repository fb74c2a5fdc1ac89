#include "p2p/base/own_files.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>

namespace packswarm {

namespace {

namespace fs = std::filesystem;

constexpr int max_set_aside = 10;  // then the first of them makes way

tl::unexpected<Error> errno_error(const std::string& what, const fs::path& path) {
    const int code = errno;
    return fail(code == ENOENT ? ErrorKind::Absent : ErrorKind::Broken, "{} {}: {}", what, path.string(),
                std::strerror(code));
}

// Links anywhere on the way are refused; where the kernel or a sandbox has no openat2, the one at the end.
int open_without_links(const fs::path& path, int flags, unsigned mode) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC | O_NOFOLLOW);
    how.mode = (flags & O_CREAT) != 0 ? mode : 0;
    how.resolve = RESOLVE_NO_SYMLINKS;
    const auto fd = ::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how);
    if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return static_cast<int>(fd);
    return ::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, mode);
}

const char* kind_of(mode_t mode) {
    if (S_ISDIR(mode)) return "a folder";
    if (S_ISFIFO(mode)) return "a named pipe";
    if (S_ISSOCK(mode)) return "a socket";
    if (S_ISREG(mode)) return "a file";
    return "a device";
}

tl::unexpected<Error> foreign(const fs::path& path, const std::string& what) {
    return fail(ErrorKind::Refused, "{} is {}: move it away, the agent makes its own", path.string(), what);
}

std::optional<fs::path> first_link(const fs::path& path) {
    fs::path so_far;
    std::error_code ignored;
    for (const auto& part : path) {
        so_far /= part;
        if (fs::is_symlink(so_far, ignored)) return so_far;
    }
    return std::nullopt;
}

tl::unexpected<Error> link_error(const fs::path& path) {
    return fail(ErrorKind::Refused,
                "{} is a symbolic link, which is not followed there: put what it leads to in its place, or lay "
                "state_dir as a whole elsewhere",
                first_link(path).value_or(path).string());
}

tl::unexpected<Error> open_error(const fs::path& path) {
    return errno == ELOOP ? link_error(path) : errno_error("opening", path);
}

fs::path folder_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

// Held until its name is gone: what it frees is freed elsewhere (deleted_files.hpp). Not open: there is none.
FileHandle hold(const FileHandle& folder, const fs::path& path) {
    return FileHandle(::openat(folder.fd(), path.filename().c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
}

enum class Names { one, any };

Result<void> check_kind(const struct stat& st, Names names, const fs::path& path) {
    if (S_ISLNK(st.st_mode)) return link_error(path);
    if (!S_ISREG(st.st_mode)) return foreign(path, kind_of(st.st_mode));
    if (names == Names::one && st.st_nlink > 1)
        return fail(ErrorKind::Refused,
                    "{} is a file with other names (hard links), which would be written to as well: put a copy of it "
                    "in its place",
                    path.string());
    return {};
}

}  // namespace

Result<fs::path> real_folder(const fs::path& folder) {
    std::error_code problem;
    fs::create_directories(folder, problem);
    if (problem) return fail(ErrorKind::Broken, "making the folder {}: {}", folder.string(), problem.message());
    auto real = fs::canonical(folder, problem);
    if (problem) return fail(ErrorKind::Broken, "finding the folder {}: {}", folder.string(), problem.message());
    return real;
}

Result<FileHandle> open_own_folder(const fs::path& path) {
    FileHandle folder(open_without_links(path, O_RDONLY | O_DIRECTORY, 0));
    if (folder.open()) return folder;
    struct stat st {};
    if (errno != ENOTDIR || ::lstat(path.c_str(), &st) != 0) return open_error(path);
    return S_ISLNK(st.st_mode) ? link_error(path) : foreign(path, kind_of(st.st_mode));
}

Result<void> make_own_folder(const fs::path& path, unsigned mode) {
    if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return errno_error("making the folder", path);
    auto folder = open_own_folder(path);
    if (!folder) return tl::unexpected(folder.error());
    return {};
}

Result<FileHandle> open_own_file(const fs::path& path, int flags, unsigned mode) {
    const auto names = (flags & O_ACCMODE) == O_RDONLY ? Names::any : Names::one;
    struct stat st {};
    if (::lstat(path.c_str(), &st) == 0)  // before it is opened: a device may do something then
        if (auto ours = check_kind(st, names, path); !ours) return tl::unexpected(ours.error());
    FileHandle file(open_without_links(path, flags | O_NONBLOCK, mode));
    if (!file.open()) return open_error(path);
    if (::fstat(file.fd(), &st) != 0) return errno_error("looking at", path);
    if (auto ours = check_kind(st, names, path); !ours) return tl::unexpected(ours.error());
    return file;
}

Result<void> check_own_file(const fs::path& path) {
    struct stat st {};
    if (::lstat(path.c_str(), &st) != 0) return errno == ENOENT ? Result<void>() : errno_error("looking at", path);
    return check_kind(st, Names::one, path);
}

Result<std::string> read_own_text(const fs::path& path, ByteCount max_bytes) {
    const auto file = open_own_file(path, O_RDONLY);
    if (!file) return tl::unexpected(file.error());
    const auto info = file_info(*file);
    if (!info) return tl::unexpected(info.error());
    if (info->size > max_bytes) return fail(ErrorKind::Refused, "{} is larger than {} bytes", path.string(), max_bytes);
    std::string text(static_cast<std::size_t>(info->size), '\0');
    const auto got = read_at(*file, 0, text);
    if (!got) return fail(got.error().kind, "{}: {}", path.string(), got.error().message);
    text.resize(*got);
    return text;
}

Result<void> rename_own(const fs::path& from, const fs::path& to) {
    const auto source = open_own_folder(folder_of(from));
    if (!source) return tl::unexpected(source.error());
    const auto target = open_own_folder(folder_of(to));
    if (!target) return tl::unexpected(target.error());
    const FileHandle replaced = hold(*target, to);
    if (::renameat(source->fd(), from.filename().c_str(), target->fd(), to.filename().c_str()) != 0)
        return errno_error("renaming a file to", to);
    return {};
}

Result<void> delete_own(const fs::path& path) {
    const auto folder = open_own_folder(folder_of(path));
    if (!folder) return tl::unexpected(folder.error());
    const FileHandle held = hold(*folder, path);
    if (::unlinkat(folder->fd(), path.filename().c_str(), 0) != 0) return errno_error("deleting", path);
    return {};
}

Result<fs::path> set_aside(const fs::path& path) {
    const fs::path first = path.string() + ".damaged";
    fs::path to = first;
    for (int i = 1; i < max_set_aside; ++i) {
        if (::renameat2(AT_FDCWD, path.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return to;
        if (errno != EEXIST) break;
        to = first.string() + "." + std::to_string(i);
    }
    if (::rename(path.c_str(), first.c_str()) != 0) return errno_error("setting aside", path);
    return first;
}

}  // namespace packswarm
