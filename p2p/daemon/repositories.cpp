#include "p2p/daemon/repositories.hpp"

#include <algorithm>
#include <filesystem>

#include "p2p/base/log.hpp"
#include "p2p/base/url.hpp"
#include "p2p/daemon/apt_lists.hpp"
#include "p2p/daemon/apt_settings.hpp"
#include "p2p/daemon/learned.hpp"

namespace packswarm::daemon {

namespace {

bool is_gnupg_home(const std::string& path) {
    std::error_code error;
    for (const char* name : {"pubring.gpg", "pubring.kbx"})
        if (std::filesystem::exists(std::filesystem::path(path) / name, error)) return true;
    return false;
}

// A distribution may sign its packages and not its databases; somebody's own repository often signs neither.
core::PackageSignatures signatures_of(const RepositoryConfig& config) {
    if (config.signed_packages)
        return *config.signed_packages ? core::PackageSignatures::demanded : core::PackageSignatures::not_demanded;
    return config.signed_database ? core::PackageSignatures::demanded : core::PackageSignatures::as_found;
}

core::Repository from_config(const RepositoryConfig& config, std::vector<std::string>& warnings) {
    core::Repository out;
    out.format = formats::all().find(config.format).value_or(formats::usual());
    out.suite = config.suite;
    out.components = config.components;
    out.architectures = config.architectures;
    if (out.architectures.empty()) out.architectures = {out.format->machine_architecture()};
    out.signed_database = config.signed_database;
    out.package_signatures = signatures_of(config);
    out.keyring.fingerprints = config.fingerprints;
    for (const auto& path : config.keyring) {
        if (out.format.habits().keys_in_gnupg_home && is_gnupg_home(path))
            out.keyring.gnupg_home = path;
        else
            out.keyring.files.push_back(path);
    }
    out.sharing = !config.is_public   ? core::Sharing::by_signer
                  : *config.is_public ? core::Sharing::allowed
                                      : core::Sharing::forbidden;
    for (auto mirror : config.mirrors) {
        while (mirror.ends_with('/')) mirror.pop_back();
        const auto url = Url::parse(mirror);
        if (!url || url->has_credentials)
            warnings.push_back(fmt::format("mirror left out ({}): {}",
                                           url ? "addresses with a password are not taken" : url.error().message,
                                           url ? url->text() : printable(mirror)));
        else
            out.bases.push_back(mirror);
    }
    return out;
}

// Stable over restarts and whatever the order of mirrors, and another one for every group of bases that stand together.
// When a mirror is added or taken away the name changes; kept roots are then found by the addresses that showed them
// (broker/sightings.hpp).
void name_them(std::vector<core::Repository>& repositories) {
    for (auto& repository : repositories) {
        std::vector<std::string> parts = repository.keyring.files;
        parts.insert(parts.end(), repository.keyring.embedded.begin(), repository.keyring.embedded.end());
        parts.insert(parts.end(), repository.keyring.fingerprints.begin(), repository.keyring.fingerprints.end());
        parts.push_back(repository.keyring.gnupg_home);
        if (!repository.release_path.empty()) parts.push_back("InRelease-Path " + repository.release_path);
        auto bases = repository.bases;
        std::sort(bases.begin(), bases.end());
        parts.insert(parts.end(), bases.begin(), bases.end());
        std::string text;
        for (const auto& part : parts) text += part + "\n";
        std::string architectures;
        for (const auto& one : repository.architectures) architectures += (architectures.empty() ? "" : "+") + one;
        repository.id =
            core::RepositoryId(fmt::format("{}:{}:{}:{:08x}", core::to_string(repository.format), repository.suite,
                                           architectures, core::mark_of(text) & 0xffffffff));
    }
}

void append(std::vector<core::Repository>& all, const Learned& learned, Repositories& out) {
    all.insert(all.end(), learned.repositories.begin(), learned.repositories.end());
    out.warnings.insert(out.warnings.end(), learned.warnings.begin(), learned.warnings.end());
    out.folders.insert(learned.folders.begin(), learned.folders.end());
}

}  // namespace

Repositories gather_repositories(const Config& config) {
    Repositories out;
    std::vector<core::Repository> all;
    for (const auto& one : config.repositories) {
        auto repository = from_config(one, out.warnings);
        if (!repository.bases.empty()) all.push_back(std::move(repository));
    }
    const auto settings = AptSettings::of_this_machine();
    out.proxies = settings.proxy_rules(config.listening.gateway);
    if (config.sources.apt)
        append(all,
               learn_from_apt(config.sources.apt_dir, config.sources.dpkg_status, settings.date_rules(), out.proxies),
               out);
    if (config.sources.pacman) append(all, learn_from_pacman(config.sources.pacman_conf), out);
    all = core::stand_together(std::move(all));
    name_them(all);
    if (config.sources.apt)
        for (auto& repository : all) repository.own_copy = find_own_copy(repository, config.sources.apt_lists);
    out.table = core::RepositoryTable(std::move(all));
    return out;
}

std::string description_of(const core::RepositoryTable& table) {
    std::string out;
    for (const auto& one : table.all()) {
        out += fmt::format("{} {} {} {}", one.id, one.suite, static_cast<int>(one.sharing), one.signed_database);
        for (const auto* words : {&one.components, &one.architectures, &one.bases}) {
            out += ';';
            for (const auto& word : *words) out += ' ' + word;
        }
        out += '\n';
    }
    return out;
}

}  // namespace packswarm::daemon
