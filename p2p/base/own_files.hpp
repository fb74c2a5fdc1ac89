// Files and folders of the agent's own, beneath one folder of its owner's choice. That folder may be laid elsewhere by
// a link; beneath it no symbolic link is followed, and nothing is written to but regular files with one name. Any
// thread. Errors: Refused (something else lies in our place: it stays as it is, and the message says what to do),
// Absent, Broken.
#pragma once

#include <filesystem>
#include <string>

#include "p2p/base/file.hpp"

namespace packswarm {

// Makes the folder when it is missing. Where it really lies: all paths below are made from that.
Result<std::filesystem::path> real_folder(const std::filesystem::path& folder);
// Makes the folder, or makes sure that one, and no link to one, is there.
Result<void> make_own_folder(const std::filesystem::path& path, unsigned mode);
Result<FileHandle> open_own_folder(const std::filesystem::path& path);
// As open(2). What is opened for writing has no other name.
Result<FileHandle> open_own_file(const std::filesystem::path& path, int flags, unsigned mode = 0644);
// For files that a library opens: nothing is there, or a regular file with one name.
Result<void> check_own_file(const std::filesystem::path& path);
Result<std::string> read_own_text(const std::filesystem::path& path, ByteCount max_bytes);
Result<void> rename_own(const std::filesystem::path& from, const std::filesystem::path& to);
Result<void> delete_own(const std::filesystem::path& path);  // a file, or the link that lies in its place
// Renames whatever is there to "<path>.damaged", or with a number behind where that is taken. The new path.
Result<std::filesystem::path> set_aside(const std::filesystem::path& path);

}  // namespace packswarm
