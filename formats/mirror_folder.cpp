#include "formats/mirror_folder.hpp"

#include <algorithm>
#include <map>

#include "formats/debian/apt_keys.hpp"
#include "formats/debian/packages.hpp"
#include "p2p/base/file.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "verify/hasher.hpp"

namespace packswarm::formats {

namespace {

namespace fs = std::filesystem;

constexpr int max_depth = 8;  // pacman mirrors: core/os/x86_64; archives of them a little more

bool is_there(const fs::path& path) {
    std::error_code ignored;
    return fs::is_regular_file(path, ignored);
}

FolderRepository debian(const fs::path& base, const std::string& suite) {
    FolderRepository found{base, {}};
    found.repository.format = core::Format::debian;
    found.repository.suite = suite;
    return found;
}

FolderRepository pacman(const fs::path& database) {
    FolderRepository found{database.parent_path(), {}};
    found.repository.format = core::Format::pacman;
    found.repository.suite = database.stem().string();
    found.repository.signed_database = is_there(database.string() + ".sig");
    return found;
}

std::optional<FolderRepository> repository_at(const fs::path& folder, const fs::path& file) {
    const auto name = file.filename().string();
    if (name.ends_with(".db") && is_there(file)) return pacman(file);
    if (name != "InRelease" && name != "Release") return std::nullopt;
    if (name == "Release" && is_there(file.parent_path() / "InRelease")) return std::nullopt;  // the same root twice
    const auto below = file.parent_path().lexically_relative(folder);
    if (below == ".") return debian(folder, "./");
    if (*below.begin() != "dists") return std::nullopt;
    const auto suite = below.lexically_relative("dists").generic_string();
    if (suite.find("/binary-") != std::string::npos || suite.find("/source") != std::string::npos) return std::nullopt;
    return debian(folder, suite);
}

Result<Bytes> read_bytes(const fs::path& path, ByteCount max_bytes) {
    auto text = read_text(path, max_bytes);
    if (!text) return tl::unexpected(text.error());
    return Bytes(text->begin(), text->end());
}

struct RootBytes {
    Bytes root;
    std::optional<Bytes> signature;
};

// InRelease, else Release with Release.gpg; pacman: the database, with its signature where one is asked for.
Result<RootBytes> read_root(const fs::path& base, const core::Repository& repository) {
    const fs::path path = base / core::root_path(repository);
    const bool is_pacman = repository.format == core::Format::pacman;
    auto root = read_bytes(path, is_pacman ? limits::max_database : limits::max_release);
    if (root && !(is_pacman && repository.signed_database)) return RootBytes{std::move(*root), {}};
    const fs::path plain = is_pacman ? path : path.parent_path() / "Release";
    if (!root) root = read_bytes(plain, limits::max_release);
    if (!root) return tl::unexpected(root.error());
    auto signature = read_bytes(plain.string() + (is_pacman ? ".sig" : ".gpg"), limits::max_signature);
    if (!signature) return tl::unexpected(signature.error());
    return RootBytes{std::move(*root), std::move(*signature)};
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
Result<PackagesIndex> read_packages(const fs::path& path, const core::IndexEntry& listed) {
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
        if (auto repository = repository_at(folder, entry->path())) found.push_back(std::move(*repository));
    }
    std::sort(found.begin(), found.end(), [](const FolderRepository& a, const FolderRepository& b) {
        return std::tie(a.base, a.repository.suite) < std::tie(b.base, b.repository.suite);
    });
    return found;
}

Result<FolderIndex> read_repository(verify::Keyrings& keyrings, const fs::path& base,
                                    const core::Repository& repository) {
    const auto bytes = read_root(base, repository);
    if (!bytes) return tl::unexpected(bytes.error());
    std::optional<ByteView> signature;
    if (bytes->signature) signature = *bytes->signature;
    auto root = open_root(keyrings, repository, bytes->root, signature);
    if (!root) return tl::unexpected(root.error());
    FolderIndex index;
    index.root = std::move(*root);
    if (repository.format == core::Format::pacman) {
        index.packages = index.root.entries;
    } else {
        DebianReader reader(base / core::index_folder(repository), index);
        for (const auto& plain : wanted_indexes(repository, index.root)) reader.read(plain);
    }
    if (!index.root.left_out.empty()) index.problems.push_back(index.root.left_out.text());
    sort_and_unite(index.packages);
    return index;
}

core::KeyringSpec keyring_or_default(core::Format format, const std::vector<std::string>& files,
                                     const std::string& pacman_home) {
    core::KeyringSpec spec;
    spec.files = files;
    if (!files.empty()) return spec;
    if (format == core::Format::pacman) {
        spec.pacman_home = pacman_home;
        return spec;
    }
    spec = apt_keyring("/etc/apt", installed_apt("/var/lib/dpkg/status"));
    std::error_code ignored;
    for (const char* path :
         {"/usr/share/keyrings/debian-archive-keyring.gpg", "/usr/share/keyrings/ubuntu-archive-keyring.gpg"})
        if (fs::exists(path, ignored)) spec.files.emplace_back(path);
    return spec;
}

}  // namespace packswarm::formats
