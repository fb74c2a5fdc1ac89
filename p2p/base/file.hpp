// FileHandle: a file descriptor with an owner, whole reads and writes, and the few durable-file operations the rooms
// share. Errors: Broken with errno's text (our disk), except NotFound and disk-full, which say so. Any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "p2p/base/result.hpp"
#include "p2p/base/units.hpp"

struct stat;

namespace packswarm {

class FileHandle {
  public:
    FileHandle() = default;
    explicit FileHandle(int fd) : fd_(fd) {}
    FileHandle(FileHandle&& other) noexcept : fd_(other.release()) {}
    FileHandle& operator=(FileHandle&& other) noexcept;
    FileHandle(const FileHandle&) = delete;
    ~FileHandle();

    int fd() const { return fd_; }
    bool open() const { return fd_ >= 0; }
    int release() {
        const int fd = fd_;
        fd_ = -1;
        return fd;
    }
    Result<FileHandle> duplicate() const;

  private:
    int fd_ = -1;
};

struct FileInfo {
    ByteCount size = 0;
    std::uint64_t inode = 0;
    std::int64_t modified_ns = 0;  // nanoseconds since the epoch
    std::int64_t changed_ns = 0;   // likewise, of bytes, name or rights (st_ctime); 0: not known

    // The same file, by what a rename or a new link leaves as it is.
    friend bool operator==(const FileInfo& a, const FileInfo& b) {
        return a.size == b.size && a.inode == b.inode && a.modified_ns == b.modified_ns;
    }
    // The same, and nobody has written to it: st_ctime cannot be set back, as the time of modification can.
    bool is_untouched_since(const FileInfo& before) const { return *this == before && changed_ns == before.changed_ns; }
};

Result<FileHandle> open_for_reading(const std::filesystem::path& path);  // O_NOFOLLOW, regular files only
Result<FileInfo> file_info(const FileHandle& file);
FileInfo info_of(const struct stat& looked_at);
Result<std::size_t> read_at(const FileHandle& file, ByteCount offset,
                            std::span<char> out);                                 // short only at end of file
Result<void> write_at(const FileHandle& file, ByteCount offset, ByteView bytes);  // all or an error
Result<std::string> read_text(const std::filesystem::path& path,
                              ByteCount max_bytes);  // Absent when missing, Refused when larger
// Writes beside path, flushes, renames, flushes the directory: the old or the new content survives a crash, nothing
// between.
Result<void> replace_file(const std::filesystem::path& path, ByteView content, unsigned mode = 0644);
// Copies [begin, end) inside the kernel where the filesystems allow it, through memory elsewhere. Transient: stopped.
Result<void> copy_range(const FileHandle& from, const FileHandle& to, ByteRange range);

}  // namespace packswarm
