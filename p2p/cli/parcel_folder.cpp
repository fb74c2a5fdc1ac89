#include "p2p/cli/parcel_folder.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "p2p/base/limits.hpp"

namespace packswarm::cli {

namespace {

namespace fs = std::filesystem;

constexpr ByteCount copied_at_once = 4 * limits::mib;
constexpr ByteCount most_of_fat = 4 * limits::gib - 1;
constexpr ByteCount folders_of_files = 257;
const std::string ending_of_parts = ".part";

// Where the kernel or a sandbox has no openat2, the link at the end is refused, and what is read is verified anyway.
int open_below(const FileHandle& folder, const std::string& name, int flags, unsigned mode = 0) {
    flags |= O_CLOEXEC | O_NOFOLLOW;
    if ((flags & O_PATH) == 0) flags |= O_NONBLOCK;
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags);
    how.mode = mode;
    how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH;
    const auto fd = ::syscall(SYS_openat2, folder.fd(), name.c_str(), &how, sizeof how);
    if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return static_cast<int>(fd);
    return ::openat(folder.fd(), name.c_str(), flags, mode);
}

}  // namespace

Result<ParcelFolder> ParcelFolder::open(const fs::path& folder) {
    FileHandle opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened.open())
        return fail(errno == ENOENT ? ErrorKind::Absent : ErrorKind::Broken, "opening the folder {}: {}",
                    folder.string(), std::strerror(errno));
    return ParcelFolder(folder, std::move(opened));
}

tl::unexpected<Error> ParcelFolder::problem(const std::string& doing, const std::string& name) const {
    const int code = errno;
    const auto path = (path_ / name).string();
    if (code == ENOENT) return fail(ErrorKind::Absent, "{} is not there", path);
    if (code == ELOOP || code == EXDEV || code == ENOTDIR)
        return fail(ErrorKind::Refused, "{} is a link, or behind one", path);
    if (code == ENOSPC || code == EDQUOT) return fail(ErrorKind::Refused, "{} is full", path_.string());
    if (code == EFBIG) return fail(ErrorKind::Refused, "the file system of {} takes no file that large", path);
    return fail(ErrorKind::Broken, "{} {}: {}", doing, path, std::strerror(code));
}

// A device or a pipe is looked at before it is opened for reading: it may do something then.
Result<FileHandle> ParcelFolder::open_regular(const std::string& name) const {
    const FileHandle place(open_below(folder_, name, O_PATH));
    struct stat st {};
    if (!place.open() || ::fstat(place.fd(), &st) != 0) return problem("opening", name);
    if (!S_ISREG(st.st_mode)) return fail(ErrorKind::Refused, "{} is no regular file", (path_ / name).string());
    FileHandle file(open_below(folder_, name, O_RDONLY));
    if (!file.open() || ::fstat(file.fd(), &st) != 0) return problem("opening", name);
    if (!S_ISREG(st.st_mode)) return fail(ErrorKind::Refused, "{} is no regular file", (path_ / name).string());
    return file;
}

Result<core::Parcel> ParcelFolder::manifest() const {
    const auto file = open_regular(std::string(core::parcel_manifest));
    if (!file) return tl::unexpected(file.error());
    const auto info = file_info(*file);
    if (!info) return tl::unexpected(info.error());
    if (info->size > limits::max_parcel_manifest)
        return fail(ErrorKind::Refused, "{} has {} bytes, more than {}", (path_ / core::parcel_manifest).string(),
                    info->size, limits::max_parcel_manifest);
    std::string text(static_cast<std::size_t>(info->size), '\0');
    const auto got = read_at(*file, 0, text);
    if (!got) return fail(got.error().kind, "{}: {}", path_.string(), got.error().message);
    text.resize(*got);
    auto parcel = core::read_manifest(text);
    if (!parcel) return fail(parcel.error().kind, "{}: {}", path_.string(), parcel.error().message);
    return parcel;
}

Result<FileHandle> ParcelFolder::open_file(const core::ParcelFile& file) const {
    auto opened = open_regular(core::place_in_parcel(file.digest));
    if (!opened) return opened;
    const auto info = file_info(*opened);
    if (!info) return tl::unexpected(info.error());
    if (info->size != file.size)
        return fail(ErrorKind::Corrupt, "it has {} bytes, and the manifest says {}", info->size, file.size);
    return opened;
}

bool ParcelFolder::has(const core::ParcelFile& file) const { return open_file(file).has_value(); }

bool ParcelFolder::may_hold(ByteCount size) const {
    struct statfs system {};
    const bool is_fat = ::fstatfs(folder_.fd(), &system) == 0 && system.f_type == MSDOS_SUPER_MAGIC;
    return !is_fat || size <= most_of_fat;
}

Result<void> ParcelFolder::expect_room(const std::vector<core::ParcelFile>& files) const {
    struct statvfs system {};
    if (::fstatvfs(folder_.fd(), &system) != 0) return problem("looking at the room of", "");
    const auto block = std::max<ByteCount>(512, static_cast<ByteCount>(system.f_frsize));
    const auto free = static_cast<ByteCount>(system.f_bavail) * block;
    ByteCount needed = limits::mib + folders_of_files * block;  // the manifest, and folders
    for (const auto& file : files) needed += (file.size / block + 1) * block;
    if (needed <= free) return {};
    return fail(ErrorKind::Refused, "{} has no room: {} MiB are free, and {} MiB are needed", path_.string(),
                free / limits::mib, needed / limits::mib + 1);
}

Result<void> ParcelFolder::make_folders(const core::ParcelFile& file) {
    const auto place = fs::path(core::place_in_parcel(file.digest)).parent_path();
    for (const auto& name : {place.parent_path().string(), place.string()}) {
        if (::mkdirat(folder_.fd(), name.c_str(), 0755) != 0 && errno != EEXIST) return problem("making", name);
        const FileHandle made(open_below(folder_, name, O_RDONLY | O_DIRECTORY));
        if (!made.open()) return problem("making", name);
    }
    return {};
}

// What an interrupted run has left under that name, or somebody has put there, makes way.
Result<FileHandle> ParcelFolder::begin(const std::string& name) {
    const auto part = name + ending_of_parts;
    ::unlinkat(folder_.fd(), part.c_str(), 0);
    FileHandle file(open_below(folder_, part, O_WRONLY | O_CREAT | O_EXCL, 0644));
    if (!file.open()) return problem("making", part);
    return file;
}

Result<void> ParcelFolder::finish(const FileHandle& part, const std::string& name) {
    if (::fsync(part.fd()) != 0) return problem("writing", name);
    if (::renameat(folder_.fd(), (name + ending_of_parts).c_str(), folder_.fd(), name.c_str()) != 0)
        return problem("naming", name);
    return {};
}

Result<void> ParcelFolder::add(const core::ParcelFile& file, const FileHandle& from,
                               const std::function<void(ByteCount)>& step) {
    if (auto made = make_folders(file); !made) return made;
    const auto name = core::place_in_parcel(file.digest);
    auto part = begin(name);
    if (!part) return tl::unexpected(part.error());
    Result<void> done;
    for (ByteCount at = 0; at < file.size && done; at += copied_at_once) {
        const auto end = std::min(file.size, at + copied_at_once);
        errno = 0;
        done = copy_range(from, *part, {at, end});
        if (!done && errno == ENOSPC) done = problem("writing", name);
        if (done && step) step(end - at);
    }
    if (done) done = finish(*part, name);
    if (!done) ::unlinkat(folder_.fd(), (name + ending_of_parts).c_str(), 0);
    return done;
}

Result<void> ParcelFolder::write_manifest(const core::Parcel& parcel) {
    const std::string name(core::parcel_manifest);
    auto part = begin(name);
    if (!part) return tl::unexpected(part.error());
    auto done = write_at(*part, 0, as_bytes(core::manifest_of(parcel)));
    if (done) done = finish(*part, name);
    if (!done) ::unlinkat(folder_.fd(), (name + ending_of_parts).c_str(), 0);
    if (done) ::syncfs(folder_.fd());  // names, too: the stick is pulled out next
    return done;
}

}  // namespace packswarm::cli
