// Debian's names and habits: dists/SUITE holds an InRelease file, and Release with Release.gpg, which list the index
// files below it; those list packages anywhere below the base.
#include <map>

#include "formats/debian/debian.hpp"
#include "formats/debian/packages.hpp"
#include "formats/debian/release_root.hpp"
#include "formats/machine.hpp"
#include "p2p/base/url.hpp"

namespace packswarm::formats {

namespace {

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }

std::string_view file_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string release_of(const std::string& root) { return folder_of(root) + "Release"; }

class DebianRules final : public core::FormatRules {
  public:
    DebianRules() {
        habits_.root_carries_signature = true;
        habits_.files_follow_root = true;
    }
    std::string_view name() const override { return "debian"; }
    const core::Habits& habits() const override { return habits_; }

    std::vector<std::string> root_paths(const core::Repository& repository) const override {
        const auto root = index_folder(repository) +
                          (repository.release_path.empty() ? std::string("InRelease") : repository.release_path);
        return {root, release_of(root)};
    }
    std::string index_folder(const core::Repository& repository) const override {
        const auto& suite = repository.suite;
        if (suite.empty() || suite.back() != '/') return "dists/" + suite + "/";
        // A flat repository (sources.list(5): exact path); "./" and "./sub/" are legal.
        return decode_path(suite == "/" ? "" : suite).value_or(suite);
    }
    std::string root_signature(const core::Repository&, const std::string& root) const override {
        return root.ends_with("InRelease") ? std::string() : root + ".gpg";
    }
    std::optional<std::string> root_signed_at(const core::Repository& repository,
                                              const std::string& path) const override {
        auto release = root_paths(repository).back();
        return path == release + ".gpg" ? std::optional(std::move(release)) : std::nullopt;
    }
    std::string package_signature(const std::string&) const override { return {}; }
    std::optional<std::string> package_signed_at(const std::string&) const override { return std::nullopt; }
    core::PathKind classify(std::string_view path) const override;
    bool is_package_list(std::string_view path) const override {
        const auto file = file_of(path);
        return file == "Packages" || file.starts_with("Packages.");
    }
    std::vector<core::ListForms> package_lists(const core::Repository& repository,
                                               const core::IndexRoot& root) const override;

    std::optional<core::GatewayFile> at_gateway(std::string_view) const override { return std::nullopt; }
    std::string_view gateway_example() const override { return {}; }
    bool is_usual_client(std::string_view agent) const override { return agent.starts_with("Debian APT-"); }

    Result<core::IndexRoot> open_root(core::Signatures& signatures, const core::Repository& repository, ByteView root,
                                      std::optional<ByteView> signature) const override {
        return open_release(signatures, repository, root, signature);
    }
    Result<core::PackageList> read_list(const FileHandle& file, ByteCount size, std::string_view) const override {
        return parse_packages(file, size);
    }
    Result<core::PackageList> read_kept_list(const FileHandle& file, const core::IndexEntry& plain) const override {
        return parse_packages(file, plain);
    }
    Result<void> check_package(core::Signatures&, const FileHandle&, ByteCount, ByteView, const core::KeyringSpec&,
                               const core::IndexEntry&) const override {
        return fail(ErrorKind::Refused, "its format has no signatures of packages");
    }

    std::string machine_architecture() const override {
        static const std::map<std::string, std::string> names = {
            {"x86_64", "amd64"}, {"aarch64", "arm64"}, {"armv7l", "armhf"}, {"i686", "i386"}, {"ppc64le", "ppc64el"}};
        const auto machine = machine_name();
        const auto known = names.find(machine);
        return known == names.end() ? machine : known->second;
    }
    core::PublicNames public_names() const override {
        return {{"/usr/share/keyrings/debian-archive-keyring.gpg", "/usr/share/keyrings/ubuntu-archive-keyring.gpg"},
                {}};
    }

  private:
    core::Habits habits_;
};

core::PathKind DebianRules::classify(std::string_view path) const {
    using enum core::PathKind;
    const auto file = file_of(path);
    if (path.find("/by-hash/") != std::string_view::npos) return index_by_digest;
    if (file.ends_with("Release.gpg")) return signature;
    if (file == "InRelease" || file == "Release") return root;
    for (const std::string_view list : {"Packages", "Sources", "Contents", "Translation"})
        if (file.starts_with(list)) return index;
    for (const std::string_view ending : {".deb", ".udeb", ".ddeb"})
        if (file.ends_with(ending)) return package;
    return other;
}

// One of each component and architecture.
std::vector<core::ListForms> DebianRules::package_lists(const core::Repository& repository,
                                                        const core::IndexRoot& root) const {
    const auto folder = index_folder(repository);
    std::vector<std::string> wanted;
    for (const auto& component : repository.components)
        for (const auto& architecture : repository.architectures)
            wanted.push_back(folder + component + "/binary-" + architecture + "/");
    if (repository.components.empty()) wanted.push_back(folder);
    std::vector<core::ListForms> out;
    for (const auto& place : wanted) {
        core::ListForms list;
        for (auto file : root.files) {
            file.path = folder + file.path;
            if (folder_of(file.path) != place || !is_package_list(file.path)) continue;
            if (file.path == place + "Packages") list.plain = file;
            if (root.by_hash) file.path = place + "by-hash/SHA256/" + file.digest.hex();
            list.forms.push_back(std::move(file));
        }
        if (!list.forms.empty()) out.push_back(std::move(list));
    }
    return out;
}

}  // namespace

core::Format debian() {
    static const DebianRules rules;
    return core::Format(rules);
}

}  // namespace packswarm::formats
