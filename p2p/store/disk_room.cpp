#include "p2p/store/disk_room.hpp"

#include <sys/statvfs.h>

#include <algorithm>

#include "p2p/base/deleted_files.hpp"

namespace packswarm::store {

namespace {
constexpr std::int64_t reserved_share = 20;  // one of so many
constexpr std::int64_t most_reserved = 1'000;
}  // namespace

std::optional<DiskRoom> disk_room(const std::filesystem::path& folder) {
    struct statvfs disk {};
    if (::statvfs(folder.c_str(), &disk) != 0) return std::nullopt;
    DiskRoom room;
    const auto freed = being_freed();
    room.bytes = static_cast<ByteCount>(disk.f_bavail) * static_cast<ByteCount>(disk.f_frsize) + freed.bytes;
    if (disk.f_files == 0) return room;
    room.inodes = static_cast<std::int64_t>(disk.f_favail) + freed.files;
    room.inode_reserve = std::min(static_cast<std::int64_t>(disk.f_files) / reserved_share, most_reserved);
    return room;
}

}  // namespace packswarm::store
