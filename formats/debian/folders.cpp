// Debian's mirrors on a disk: dists/**/InRelease or Release, or a flat repository at the folder itself; lists are read
// in any of the forms that are there.
#include <algorithm>
#include <map>

#include "formats/debian/apt_keys.hpp"
#include "formats/debian/debian.hpp"
#include "formats/debian/packages.hpp"
#include "p2p/base/file.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "verify/hasher.hpp"

namespace packswarm::formats {

namespace {

namespace fs = std::filesystem;

FolderRepository with_suite(const fs::path& base, const std::string& suite) {
    FolderRepository found{base, {}};
    found.repository.format = debian();
    found.repository.suite = suite;
    return found;
}

// The plain names of the wanted Packages files, as the root may list them with a compression's ending.
std::vector<std::string> wanted_indexes(const core::Repository& repository, const core::IndexRoot& root) {
    if (repository.suite.ends_with('/')) return {"Packages", "./Packages"};
    const auto& components = repository.components.empty() ? root.components : repository.components;
    auto architectures = repository.architectures.empty() ? root.architectures : repository.architectures;
    if (std::find(architectures.begin(), architectures.end(), "all") == architectures.end())
        architectures.push_back("all");
    std::vector<std::string> out;
    for (const auto& component : components)
        for (const auto& architecture : architectures)
            out.push_back(component + "/binary-" + architecture + "/Packages");
    return out;
}

// The packages of one index file, when the file at path is the one that the root lists.
Result<core::PackageList> read_packages(const fs::path& path, const core::IndexEntry& listed) {
    const auto file = open_for_reading(path);
    if (!file) return tl::unexpected(file.error());
    const auto info = file_info(*file);
    if (!info) return tl::unexpected(info.error());
    if (info->size != listed.size)
        return fail(ErrorKind::Corrupt, "{} has another size than the root says", path.string());
    const auto digest = verify::hash_file(*file);
    if (!digest) return tl::unexpected(digest.error());
    if (*digest != listed.digest)
        return fail(ErrorKind::Corrupt, "{} is not the file that the root lists", path.string());
    return parse_packages(*file, info->size);
}

class DebianReader {
  public:
    DebianReader(const fs::path& release_folder, FolderIndex& index) : folder_(release_folder), index_(index) {
        for (const auto& file : index.root.files) listed_[file.path] = &file;
    }

    // Any one of the forms in which the root lists the file will do.
    void read(const std::string& plain) {
        std::optional<Error> problem;
        for (const char* ending : {"", ".xz", ".gz", ".zst", ".bz2", ".lzma", ".lz4"}) {
            const auto found = listed_.find(plain + ending);
            if (found == listed_.end()) continue;
            if (read_form(*found->second, problem)) return;
        }
        if (problem) index_.problems.push_back(fmt::format("{}: {}", printable(plain), problem->message));
    }

  private:
    // A missing form is the least interesting problem: a mirror keeps one or two of them.
    bool read_form(const core::IndexEntry& listed, std::optional<Error>& problem) {
        const fs::path plain = folder_ / listed.path;
        for (const auto& path : {plain, plain.parent_path() / "by-hash" / "SHA256" / listed.digest.hex()}) {
            auto packages = read_packages(path, listed);
            if (packages) {
                const auto& entries = packages->entries;
                index_.packages.insert(index_.packages.end(), entries.begin(), entries.end());
                if (!packages->left_out.empty())
                    index_.problems.push_back(fmt::format("{}: {}", printable(listed.path), packages->left_out.text()));
                return true;
            }
            if (!problem || packages.error().kind != ErrorKind::Absent) problem = packages.error();
        }
        return false;
    }

    fs::path folder_;
    FolderIndex& index_;
    std::map<std::string, const core::IndexEntry*> listed_;
};

class DebianFolders final : public FolderRules {
  public:
    std::string_view root_shape() const override { return "dists/SUITE/InRelease"; }

    std::optional<FolderRepository> repository_at(const fs::path& folder, const fs::path& file) const override {
        const auto name = file.filename().string();
        if (name != "InRelease" && name != "Release") return std::nullopt;
        if (name == "Release" && is_there(file.parent_path() / "InRelease"))
            return std::nullopt;  // the same root twice
        const auto below = file.parent_path().lexically_relative(folder);
        if (below == ".") return with_suite(folder, "./");
        if (*below.begin() != "dists") return std::nullopt;
        const auto suite = below.lexically_relative("dists").generic_string();
        if (suite.find("/binary-") != std::string::npos || suite.find("/source") != std::string::npos)
            return std::nullopt;
        return with_suite(folder, suite);
    }

    // InRelease, else Release with Release.gpg.
    Result<RootBytes> read_root(const fs::path& base, const core::Repository& repository) const override {
        const fs::path path = base / core::root_path(repository);
        auto root = read_bytes(path, limits::max_release);
        if (root) return RootBytes{std::move(*root), {}};
        const fs::path plain = path.parent_path() / "Release";
        root = read_bytes(plain, limits::max_release);
        if (!root) return tl::unexpected(root.error());
        auto signature = read_bytes(plain.string() + ".gpg", limits::max_signature);
        if (!signature) return tl::unexpected(signature.error());
        return RootBytes{std::move(*root), std::move(*signature)};
    }

    void read_packages(const fs::path& base, const core::Repository& repository, FolderIndex& index) const override {
        DebianReader reader(base / core::index_folder(repository), index);
        for (const auto& plain : wanted_indexes(repository, index.root)) reader.read(plain);
    }

    core::KeyringSpec system_keyring(const std::string&) const override {
        auto spec = apt_keyring("/etc/apt", installed_apt("/var/lib/dpkg/status"));
        std::error_code ignored;
        const auto names = debian()->public_names();
        for (const auto& path : names.keyrings)
            if (fs::exists(path, ignored)) spec.files.push_back(path);
        return spec;
    }
};

}  // namespace

const FolderRules& debian_folders() {
    static const DebianFolders rules;
    return rules;
}

}  // namespace packswarm::formats
