// DeletedFiles: the last close of a deleted file frees its blocks, and a disk may take long over that (a file system
// that discards, a long list of extents). They are closed by a thread of their own, which lives as long as there are
// some. Any thread.
#pragma once

#include <cstdint>

#include "p2p/base/units.hpp"

namespace packswarm {

// Closes the descriptor, of whatever kind it is; elsewhere when it is that of a deleted file that has blocks.
void close_file(int fd);

// What is being freed there. A file that somebody else has open too counts until it is closed here.
struct BeingFreed {
    ByteCount bytes = 0;
    std::int64_t files = 0;  // inodes
};
BeingFreed being_freed();

}  // namespace packswarm
