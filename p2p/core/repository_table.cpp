#include "p2p/core/repository_table.hpp"

#include <algorithm>

namespace packswarm::core {

namespace {

bool ends_with_any(std::string_view text, std::initializer_list<std::string_view> endings) {
    return std::any_of(endings.begin(), endings.end(), [&](std::string_view ending) { return text.ends_with(ending); });
}

// Repositories of the same identity are one, with the mirrors of all.
bool same_identity(const Repository& a, const Repository& b) {
    return a.format == b.format && a.suite == b.suite && a.keyring == b.keyring && a.architectures == b.architectures;
}

void merge(Repository& into, const Repository& from) {
    for (const auto& base : from.bases)
        if (std::find(into.bases.begin(), into.bases.end(), base) == into.bases.end()) into.bases.push_back(base);
    for (const auto& component : from.components)
        if (std::find(into.components.begin(), into.components.end(), component) == into.components.end())
            into.components.push_back(component);
    if (from.sharing == Sharing::forbidden) into.sharing = Sharing::forbidden;
}

}  // namespace

RepositoryTable::RepositoryTable(std::vector<Repository> repositories) {
    for (auto& repository : repositories) {
        auto same = std::find_if(repositories_.begin(), repositories_.end(),
                                 [&](const Repository& known) { return same_identity(known, repository); });
        if (same != repositories_.end())
            merge(*same, repository);
        else
            repositories_.push_back(std::move(repository));
    }
}

std::vector<Location> RepositoryTable::locate(const Url& url) const {
    const std::string text = url.origin() + url.path;
    std::vector<Location> found;
    for (const auto& repository : repositories_) {
        for (const auto& base : repository.bases) {
            auto parsed = Url::parse(base);
            if (!parsed) continue;
            std::string prefix = parsed->origin() + parsed->path;
            if (prefix.back() != '/') prefix += '/';
            if (text.starts_with(prefix) && text.size() > prefix.size())
                found.push_back({&repository, text.substr(prefix.size()), base});
        }
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const Location& a, const Location& b) { return a.base.size() > b.base.size(); });
    return found;
}

const Repository* RepositoryTable::find_pacman(std::string_view name, std::string_view architecture) const {
    for (const auto& repository : repositories_)
        if (repository.format == Format::pacman && repository.suite == name &&
            std::find(repository.architectures.begin(), repository.architectures.end(), architecture) !=
                repository.architectures.end())
            return &repository;
    return nullptr;
}

const Repository* RepositoryTable::find(std::string_view id) const {
    for (const auto& repository : repositories_)
        if (repository.id == id) return &repository;
    return nullptr;
}

std::string address(const std::string& base, const std::string& path) { return base + "/" + encode_path(path); }

PathKind classify(std::string_view path) {
    const auto slash = path.rfind('/');
    const auto file = slash == std::string_view::npos ? path : path.substr(slash + 1);
    if (path.find("/by-hash/") != std::string_view::npos) return PathKind::index;
    if (ends_with_any(file, {".sig", "Release.gpg"})) return PathKind::signature;
    if (file == "InRelease" || file == "Release" || ends_with_any(file, {".db"})) return PathKind::root;
    if (file.starts_with("Packages") || file.starts_with("Sources") || file.starts_with("Contents") ||
        file.starts_with("Translation") || ends_with_any(file, {".files"}))
        return PathKind::index;
    if (ends_with_any(file, {".deb", ".udeb", ".ddeb"}) || file.find(".pkg.tar") != std::string_view::npos) return PathKind::package;
    return PathKind::other;
}

}  // namespace packswarm::core
