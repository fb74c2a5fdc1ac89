// pacman's mirrors on a disk: each database with its packages beside it.
#include "formats/pacman/pacman.hpp"
#include "p2p/base/limits.hpp"

namespace packswarm::formats {

namespace {

namespace fs = std::filesystem;

class PacmanFolders final : public FolderRules {
  public:
    std::string_view root_shape() const override { return "NAME.db"; }

    std::optional<FolderRepository> repository_at(const fs::path&, const fs::path& file) const override {
        if (!file.filename().string().ends_with(".db") || !is_there(file)) return std::nullopt;
        FolderRepository found{file.parent_path(), {}};
        found.repository.format = pacman();
        found.repository.suite = file.stem().string();
        found.repository.signed_database = is_there(file.string() + ".sig");
        return found;
    }

    Result<RootBytes> read_root(const fs::path& base, const core::Repository& repository) const override {
        const fs::path path = base / core::root_path(repository);
        auto root = read_bytes(path, limits::max_database);
        if (!root) return tl::unexpected(root.error());
        if (!repository.signed_database) return RootBytes{std::move(*root), {}};
        auto signature = read_bytes(path.string() + ".sig", limits::max_signature);
        if (!signature) return tl::unexpected(signature.error());
        return RootBytes{std::move(*root), std::move(*signature)};
    }

    void read_packages(const fs::path&, const core::Repository&, FolderIndex& index) const override {
        index.packages = index.root.entries;
    }

    core::KeyringSpec system_keyring(const std::string& gnupg_home) const override {
        core::KeyringSpec spec;
        spec.gnupg_home = gnupg_home;
        return spec;
    }
};

}  // namespace

const FolderRules& pacman_folders() {
    static const PacmanFolders rules;
    return rules;
}

}  // namespace packswarm::formats
