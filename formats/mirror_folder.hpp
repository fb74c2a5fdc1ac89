// MirrorFolder: the repositories that a mirror's folder on this disk holds, each read as a package manager would read
// it: the root file with its signature, the index files it lists by digest, and the packages those list. Not here:
// hashing the packages, the index's age (core/freshness.hpp). Any thread. Errors: those of open_root, Absent (no root).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "formats/index_root.hpp"

namespace packswarm::formats {

struct FolderRepository {
    std::filesystem::path base;   // entries' paths are below it
    core::Repository repository;  // without keyring
};

// Every dists/**/InRelease or Release, a flat Debian repository at the folder itself, and every pacman database below
// it; links to folders are not followed, since dists/stable is the same repository as the codename it points to.
// Sorted.
std::vector<FolderRepository> find_repositories(const std::filesystem::path& folder);

struct FolderIndex {
    core::IndexRoot root;
    std::vector<core::IndexEntry> packages;  // sorted by path, each once
    std::vector<std::string> problems;       // index files missing or not what the root says; what is left out of them
};

// Empty components or architectures of the repository: all that the root names.
Result<FolderIndex> read_repository(verify::Keyrings& keyrings, const std::filesystem::path& base,
                                    const core::Repository& repository);

// Who may sign when nobody said: files, or else the keys this system's package manager trusts.
core::KeyringSpec keyring_or_default(core::Format format, const std::vector<std::string>& files,
                                     const std::string& pacman_home);

}  // namespace packswarm::formats
