#include "p2p/store/adoption.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "p2p/base/own_files.hpp"

namespace packswarm::store {

namespace {

// The directory entry is made from the open descriptor, so that a swapped path cannot smuggle in another file.
Result<StagedFile> link_file(const FileHandle& source, const std::filesystem::path& target) {
    const auto name = fmt::format("/proc/self/fd/{}", source.fd());
    const auto folder = open_own_folder(target.parent_path());
    if (!folder || ::linkat(AT_FDCWD, name.c_str(), folder->fd(), target.filename().c_str(), AT_SYMLINK_FOLLOW) != 0)
        return fail(ErrorKind::Absent, "no hard link is possible");
    return StagedFile::take_over(target);
}

Result<Adopted> copy_file(const FileHandle& source, const std::filesystem::path& target, ByteCount size, Adopt how) {
    auto file = StagedFile::create(target, size);
    if (!file) return tl::unexpected(file.error());
    if (how == Adopt::cheapest && ::ioctl(file->handle().fd(), FICLONE, source.fd()) == 0)
        return Adopted{*file, AdoptedBy::reflink};
    if (auto copied = copy_range(source, file->handle(), {0, size}); !copied) return tl::unexpected(copied.error());
    return Adopted{*file, AdoptedBy::copy};
}

bool can_clone(const FileHandle& source, const std::filesystem::path& target) {
    const auto probe = StagedFile::create(target, 0);  // its path goes with it
    return probe && ::ioctl(probe->handle().fd(), FICLONE, source.fd()) == 0;
}

}  // namespace

std::string_view to_string(AdoptedBy by) {
    switch (by) {
        case AdoptedBy::reflink:
            return "reflink";
        case AdoptedBy::hardlink:
            return "hard link";
        case AdoptedBy::copy:
            return "copy";
    }
    return "copy";
}

bool may_link(const FileHandle& file) {
    struct stat st {};
    if (::fstat(file.fd(), &st) != 0 || !S_ISREG(st.st_mode)) return false;
    const bool owner_trusted = st.st_uid == 0 || st.st_uid == ::geteuid();
    return owner_trusted && (st.st_mode & (S_IWGRP | S_IWOTH | S_ISUID | S_ISGID)) == 0;
}

Result<Adopted> adopt_file(const FileHandle& source, const std::filesystem::path& target, ByteCount size, Adopt how) {
    const auto before = file_info(source);
    if (!before) return tl::unexpected(before.error());
    if (before->size != size) return fail(ErrorKind::Transient, "the file changed while it was being taken");
    if (how == Adopt::cheapest && may_link(source) && !can_clone(source, target))
        if (auto linked = link_file(source, target)) return Adopted{*linked, AdoptedBy::hardlink};
    auto adopted = copy_file(source, target, size, how);
    if (!adopted) return adopted;
    const auto after = file_info(source);
    if (!after || *after != *before) return fail(ErrorKind::Transient, "the file changed while it was being taken");
    return adopted;
}

}  // namespace packswarm::store
