// rot: a byte of a file changes and its size and time of modification do not, as on a failing disk.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "p2p/base/file.hpp"

namespace packswarm::test {

// Returns when the file shows that it was touched: the kernel's clock for that ticks some hundred times a second.
inline void rot(const std::filesystem::path& path, ByteCount offset) {
    struct stat before {};
    ASSERT_EQ(::stat(path.c_str(), &before), 0);
    ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
    const FileHandle file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_TRUE(file.open());
    char byte = 0;
    ASSERT_TRUE(read_at(file, offset, {&byte, 1}));
    byte = static_cast<char>(byte ^ 1);
    ASSERT_TRUE(write_at(file, offset, {&byte, 1}));
    const timespec times[] = {before.st_atim, before.st_mtim};
    do {
        ASSERT_EQ(::futimens(file.fd(), times), 0);
    } while (file_info(file)->changed_ns == info_of(before).changed_ns);
    ASSERT_EQ(::chmod(path.c_str(), before.st_mode & 07777), 0);
}

}  // namespace packswarm::test
