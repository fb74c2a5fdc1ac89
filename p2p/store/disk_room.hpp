// DiskRoom: what a file system has left for this process: bytes, and inodes, of which each file and folder takes one
// (statvfs(3)), with what is being freed. Any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "p2p/base/units.hpp"

namespace packswarm::store {

struct DiskRoom {
    ByteCount bytes = 0;
    std::optional<std::int64_t> inodes;  // none: the file system makes them as it needs them
    std::int64_t inode_reserve = 0;      // a twentieth of all, 1,000 at most, stay free for everybody else
};

// None: the file system does not say.
std::optional<DiskRoom> disk_room(const std::filesystem::path& folder);

}  // namespace packswarm::store
