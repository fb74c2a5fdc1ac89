#include "formats/mirror_folder.hpp"

#include <algorithm>
#include <tuple>

#include "formats/format.hpp"
#include "formats/index_root.hpp"
#include "p2p/base/log.hpp"

namespace packswarm::formats {

namespace {

namespace fs = std::filesystem;

constexpr int max_depth = 8;  // pacman mirrors: core/os/x86_64; archives of them a little more

void sort_and_unite(std::vector<core::IndexEntry>& packages) {
    const auto by_path = [](const core::IndexEntry& a, const core::IndexEntry& b) {
        return std::tie(a.path, a.digest) < std::tie(b.path, b.digest);
    };
    const auto same = [](const core::IndexEntry& a, const core::IndexEntry& b) {
        return a.path == b.path && a.digest == b.digest;
    };
    std::sort(packages.begin(), packages.end(), by_path);
    packages.erase(std::unique(packages.begin(), packages.end(), same), packages.end());
}

}  // namespace

std::vector<FolderRepository> find_repositories(const fs::path& folder) {
    std::vector<FolderRepository> found;
    std::error_code error;
    for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
        const bool pool =
            entry.depth() == 0 && entry->path().filename() == "pool";  // holds packages only, and many folders
        if (pool || entry.depth() >= max_depth) entry.disable_recursion_pending();
        for (const auto* rules : all_folder_rules())
            if (auto repository = rules->repository_at(folder, entry->path())) found.push_back(std::move(*repository));
    }
    std::sort(found.begin(), found.end(), [](const FolderRepository& a, const FolderRepository& b) {
        return std::tie(a.base, a.repository.suite) < std::tie(b.base, b.repository.suite);
    });
    return found;
}

Result<FolderIndex> read_repository(core::Signatures& signatures, const fs::path& base,
                                    const core::Repository& repository) {
    const auto& rules = folder_rules(repository.format);
    const auto bytes = rules.read_root(base, repository);
    if (!bytes) return tl::unexpected(bytes.error());
    std::optional<ByteView> signature;
    if (bytes->signature) signature = *bytes->signature;
    auto root = open_root(signatures, repository, bytes->root, signature);
    if (!root) return tl::unexpected(root.error());
    FolderIndex index;
    index.root = std::move(*root);
    rules.read_packages(base, repository, index);
    if (!index.root.left_out.empty()) index.problems.push_back(index.root.left_out.text());
    sort_and_unite(index.packages);
    return index;
}

core::KeyringSpec keyring_or_default(core::Format format, const std::vector<std::string>& files,
                                     const std::string& gnupg_home) {
    if (files.empty()) return folder_rules(format).system_keyring(gnupg_home);
    core::KeyringSpec spec;
    spec.files = files;
    return spec;
}

std::string no_repository_in(const fs::path& folder) {
    std::string shapes;
    for (const auto* rules : all_folder_rules())
        shapes += (shapes.empty() ? "neither " : " nor ") + std::string(rules->root_shape());
    return fmt::format("{} holds no such repository: {}", folder.string(), shapes);
}

}  // namespace packswarm::formats
