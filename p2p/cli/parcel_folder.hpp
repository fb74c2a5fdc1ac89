// ParcelFolder: a bundle's folder on a disk that may be anything, such as a USB stick: its manifest, and its files by
// digest. No link is followed below it and nothing but regular files is read; what is written bears its name once it is
// whole and on the disk. Not here: what belongs in it, and whether it is right. One thread. Errors: Absent, Corrupt,
// Refused (no room, another kind of file), Broken (disk).
#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "p2p/base/file.hpp"
#include "p2p/core/parcel.hpp"

namespace packswarm::cli {

class ParcelFolder {
  public:
    static Result<ParcelFolder> open(const std::filesystem::path& folder);  // one that is there

    Result<core::Parcel> manifest() const;  // Absent: it has none
    bool has(const core::ParcelFile& file) const;
    Result<FileHandle> open_file(const core::ParcelFile& file) const;  // for reading; its size is what was told
    bool may_hold(ByteCount size) const;  // false: its file system takes no file that large (FAT: below 4 GiB)
    // Whether there is room for all of these beside what is there.
    Result<void> expect_room(const std::vector<core::ParcelFile>& files) const;
    // step: told after each part with its bytes.
    Result<void> add(const core::ParcelFile& file, const FileHandle& from, const std::function<void(ByteCount)>& step);
    Result<void> write_manifest(const core::Parcel& parcel);

  private:
    ParcelFolder(std::filesystem::path path, FileHandle folder) : path_(std::move(path)), folder_(std::move(folder)) {}
    tl::unexpected<Error> problem(const std::string& doing, const std::string& name) const;
    Result<FileHandle> open_regular(const std::string& name) const;
    Result<FileHandle> begin(const std::string& name);
    Result<void> finish(const FileHandle& part, const std::string& name);
    Result<void> make_folders(const core::ParcelFile& file);

    std::filesystem::path path_;
    FileHandle folder_;
};

}  // namespace packswarm::cli
