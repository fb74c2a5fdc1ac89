#include "p2p/core/repository_table.hpp"

#include <algorithm>

namespace packswarm::core {

namespace {

bool has(const std::vector<std::string>& all, const std::string& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

void add_missing(std::vector<std::string>& into, const std::vector<std::string>& from) {
    for (const auto& one : from)
        if (!has(into, one)) into.push_back(one);
}

// One address under one suite and keyring is one repository, however many entries name it.
bool share_a_base(const Repository& a, const Repository& b) {
    return a.format == b.format && a.suite == b.suite && a.keyring == b.keyring && a.release_path == b.release_path &&
           std::any_of(a.bases.begin(), a.bases.end(), [&](const std::string& base) { return has(b.bases, base); });
}

void merge(Repository& into, const Repository& from) {
    add_missing(into.bases, from.bases);
    add_missing(into.components, from.components);
    add_missing(into.architectures, from.architectures);
    if (!into.own_copy) into.own_copy = from.own_copy;
    if (from.sharing == Sharing::forbidden) into.sharing = Sharing::forbidden;
}

}  // namespace

std::vector<Repository> stand_together(std::vector<Repository> entries) {
    std::vector<Repository> out;
    for (auto& entry : entries) {
        const auto is_same = [&](const Repository& known) { return share_a_base(known, entry); };
        const auto first = std::find_if(out.begin(), out.end(), is_same);
        if (first == out.end()) {
            out.push_back(std::move(entry));
            continue;
        }
        merge(*first, entry);
        for (auto other = std::next(first); other != out.end();) {  // the entry may join two that stood apart
            if (!share_a_base(*first, *other)) {
                ++other;
                continue;
            }
            merge(*first, *other);
            other = out.erase(other);
        }
    }
    return out;
}

RepositoryTable::RepositoryTable(std::vector<Repository> entries) : repositories_(stand_together(std::move(entries))) {}

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

const Repository* RepositoryTable::find(Format format, const std::string& suite,
                                        const std::string& architecture) const {
    for (const auto& repository : repositories_)
        if (repository.format == format && repository.suite == suite && has(repository.architectures, architecture))
            return &repository;
    return nullptr;
}

const Repository* RepositoryTable::find(const RepositoryId& id) const {
    for (const auto& repository : repositories_)
        if (repository.id == id) return &repository;
    return nullptr;
}

std::string address(const std::string& base, const std::string& path) { return base + "/" + encode_path(path); }

}  // namespace packswarm::core
