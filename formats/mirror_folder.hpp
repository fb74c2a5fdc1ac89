// MirrorFolder: the repositories that a mirror's folder on this disk holds, each read as a package manager would read
// it: the root file with its signature, the index files it lists by digest, and the packages those list. Not here:
// hashing the packages, the index's age (core/freshness.hpp). Any thread. Errors: those of open_root, Absent (no root).
#pragma once

#include "formats/folder_rules.hpp"
#include "p2p/core/signatures.hpp"

namespace packswarm::formats {

// Of every format, wherever below the folder; links to folders are not followed, since dists/stable is the same
// repository as the codename it points to. Sorted.
std::vector<FolderRepository> find_repositories(const std::filesystem::path& folder);
// What to tell who named a folder in which there is none.
std::string no_repository_in(const std::filesystem::path& folder);

// Empty components or architectures of the repository: all that the root names.
Result<FolderIndex> read_repository(core::Signatures& signatures, const std::filesystem::path& base,
                                    const core::Repository& repository);

// Who may sign when nobody said: files, or else the keys this system's package manager trusts.
core::KeyringSpec keyring_or_default(core::Format format, const std::vector<std::string>& files,
                                     const std::string& gnupg_home);

}  // namespace packswarm::formats
