// pacman's names and habits: NAME.db and its packages lie in one folder, each package signed beside it or in the
// database.
#include <algorithm>

#include "formats/machine.hpp"
#include "formats/pacman/database_root.hpp"
#include "formats/pacman/package_check.hpp"
#include "formats/pacman/pacman.hpp"

namespace packswarm::formats {

namespace {

constexpr std::string_view package_mark = ".pkg.tar";
constexpr std::string_view signature_ending = ".sig";

std::vector<std::string_view> split(std::string_view path) {
    std::vector<std::string_view> parts;
    for (std::size_t at = 1; at <= path.size();) {
        const auto end = std::min(path.find('/', at), path.size());
        parts.push_back(path.substr(at, end - at));
        at = end + 1;
    }
    return parts;
}

bool is_name(std::string_view text) {
    const auto is_odd = [](char c) {
        return static_cast<unsigned char>(c) <= ' ' || c == '\\' || c == '?' || c == '#' || c == '%';
    };
    return !text.empty() && text.size() <= limits::max_name && std::none_of(text.begin(), text.end(), is_odd);
}

class PacmanRules final : public core::FormatRules {
  public:
    PacmanRules() {
        habits_.max_root = limits::max_database;
        habits_.root_lists_packages = true;
        habits_.root_may_be_unsigned = true;
        habits_.bases_are_one_list = true;
        habits_.asks_by_name = true;
        habits_.keys_in_gnupg_home = true;
        habits_.client_gives_up_early = true;
    }
    std::string_view name() const override { return "pacman"; }
    const core::Habits& habits() const override { return habits_; }

    std::vector<std::string> root_paths(const core::Repository& repository) const override {
        return {repository.suite + ".db"};
    }
    std::string index_folder(const core::Repository&) const override { return {}; }
    std::string root_signature(const core::Repository& repository, const std::string& root) const override {
        return core::nobody_signs(repository) ? std::string() : package_signature(root);
    }
    std::optional<std::string> root_signed_at(const core::Repository& repository,
                                              const std::string& path) const override {
        auto root = repository.suite + ".db";
        return path == package_signature(root) ? std::optional(std::move(root)) : std::nullopt;
    }
    std::string package_signature(const std::string& package) const override {
        return package + std::string(signature_ending);
    }
    std::optional<std::string> package_signed_at(const std::string& path) const override {
        if (!path.ends_with(signature_ending)) return std::nullopt;
        return path.substr(0, path.size() - signature_ending.size());
    }
    core::PathKind classify(std::string_view path) const override {
        using enum core::PathKind;
        const auto file = path.substr(path.rfind('/') + 1);
        if (file.ends_with(signature_ending)) return signature;
        if (file.ends_with(".db")) return root;
        if (file.ends_with(".files")) return index;
        return file.find(package_mark) != std::string_view::npos ? package : other;
    }
    bool is_package_list(std::string_view) const override { return false; }
    std::vector<core::ListForms> package_lists(const core::Repository&, const core::IndexRoot&) const override {
        return {};
    }

    std::optional<core::GatewayFile> at_gateway(std::string_view path) const override;
    std::string_view gateway_example() const override {
        return "/core/os/x86_64/core.db: Server = http://127.0.0.1:PORT/$repo/os/$arch";
    }
    bool is_usual_client(std::string_view agent) const override {
        return agent.find("libalpm") != std::string_view::npos;
    }

    Result<core::IndexRoot> open_root(core::Signatures& signatures, const core::Repository& repository, ByteView root,
                                      std::optional<ByteView> signature) const override {
        return open_database(signatures, repository, root, signature);
    }
    Result<core::PackageList> read_list(const FileHandle&, ByteCount, std::string_view) const override {
        return no_list();
    }
    Result<core::PackageList> read_kept_list(const FileHandle&, const core::IndexEntry&) const override {
        return no_list();
    }
    Result<void> check_package(core::Signatures& signatures, const FileHandle& file, ByteCount size, ByteView signature,
                               const core::KeyringSpec& keyring, const core::IndexEntry& entry) const override {
        return formats::check_package(signatures, file, size, signature, keyring, entry);
    }

    std::string machine_architecture() const override { return machine_name(); }
    core::PublicNames public_names() const override {
        return {{"/usr/share/pacman/keyrings/archlinux.gpg", "/usr/share/pacman/keyrings/archlinuxarm.gpg"},
                {"core", "extra", "multilib", "community", "core-testing", "extra-testing", "multilib-testing"}};
    }

  private:
    static tl::unexpected<Error> no_list() { return fail(ErrorKind::Corrupt, "its database is the only list"); }
    core::Habits habits_;
};

// "/core/os/x86_64/FILE", as setup writes it into pacman's configuration.
std::optional<core::GatewayFile> PacmanRules::at_gateway(std::string_view path) const {
    const auto parts = split(path);
    if (parts.size() != 4 || parts[1] != "os" || !is_name(parts[0]) || !is_name(parts[2]) || !is_name(parts[3]))
        return std::nullopt;
    core::GatewayFile out{std::string(parts[0]), std::string(parts[2]), std::string(parts[3]), {}, "pacman"};
    if (classify(out.path) == core::PathKind::package) out.signature = package_signature(out.path);
    return out;
}

}  // namespace

core::Format pacman() {
    static const PacmanRules rules;
    return core::Format(rules);
}

}  // namespace packswarm::formats
