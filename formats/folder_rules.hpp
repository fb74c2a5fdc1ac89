// FolderRules: what a format says of a mirror's folder on this disk: which file in it is a repository's root, and where
// the rest lies. Beside core::FormatRules, for the programs that read such folders. No state: any thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "p2p/core/artifact.hpp"

namespace packswarm::formats {

struct FolderRepository {
    std::filesystem::path base;   // entries' paths are below it
    core::Repository repository;  // without keyring
};

struct FolderIndex {
    core::IndexRoot root;
    std::vector<core::IndexEntry> packages;  // sorted by path, each once
    std::vector<std::string> problems;       // index files missing or not what the root says; what is left out of them
};

struct RootBytes {
    Bytes root;
    std::optional<Bytes> signature;
};

class FolderRules {
  public:
    virtual ~FolderRules() = default;
    virtual std::string_view root_shape() const = 0;  // where a root lies, for people: "dists/SUITE/InRelease"
    // The repository whose root is this file somewhere below a mirror's folder.
    virtual std::optional<FolderRepository> repository_at(const std::filesystem::path& folder,
                                                          const std::filesystem::path& file) const = 0;
    // With the signature that lies beside it, where one is needed.
    virtual Result<RootBytes> read_root(const std::filesystem::path& base,
                                        const core::Repository& repository) const = 0;
    // Adds what the lists say that index.root names; in any order, some twice.
    virtual void read_packages(const std::filesystem::path& base, const core::Repository& repository,
                               FolderIndex& index) const = 0;
    // The keys that this system's package manager trusts; gnupg_home: where it keeps them, in formats with such a home.
    virtual core::KeyringSpec system_keyring(const std::string& gnupg_home) const = 0;
};

Result<Bytes> read_bytes(const std::filesystem::path& path, ByteCount max_bytes);
bool is_there(const std::filesystem::path& path);  // a regular file, or a link to one

}  // namespace packswarm::formats
