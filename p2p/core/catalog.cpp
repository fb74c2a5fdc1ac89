#include "p2p/core/catalog.hpp"

#include <algorithm>
#include <numeric>

#include "p2p/base/log.hpp"

namespace packswarm::core {

CatalogSheet::CatalogSheet(const std::vector<IndexEntry>& entries, LeftOut left_out) : left_out_(std::move(left_out)) {
    rows_.reserve(entries.size());
    for (const auto& entry : entries) {
        Row row{entry.digest, entry.size, static_cast<std::uint32_t>(texts_.size()),
                static_cast<std::uint32_t>(signatures_.size()), static_cast<std::uint32_t>(entry.signature.size())};
        for (const auto* text : {&entry.path, &entry.name, &entry.version, &entry.architecture}) {
            texts_ += *text;
            texts_ += '\0';
        }
        signatures_ += entry.signature;
        packages_ += entry.name.empty() ? 0 : 1;
        rows_.push_back(row);
    }
    texts_.shrink_to_fit();
    std::stable_sort(rows_.begin(), rows_.end(), [](const Row& a, const Row& b) { return a.digest < b.digest; });
    by_path_.resize(rows_.size());
    std::iota(by_path_.begin(), by_path_.end(), 0);
    std::sort(by_path_.begin(), by_path_.end(),
              [this](std::uint32_t a, std::uint32_t b) { return path(rows_[a]) < path(rows_[b]); });
    name_doubled_paths();
}

// The digests are signed, so both stay known by them.
void CatalogSheet::name_doubled_paths() {
    for (std::size_t at = 1; at < by_path_.size(); ++at) {
        const auto &one = rows_[by_path_[at - 1]], &other = rows_[by_path_[at]];
        if (path(one) == path(other) && one.digest != other.digest)
            left_out_.add(
                fmt::format("{} is listed with two digests and not found by its path", printable(path(one), 200)));
    }
}

IndexEntry CatalogSheet::entry(const Row& row) const {
    IndexEntry out;
    const char* at = texts_.data() + row.text;
    for (auto* text : {&out.path, &out.name, &out.version, &out.architecture}) {
        *text = at;
        at += text->size() + 1;
    }
    out.size = row.size;
    out.digest = row.digest;
    out.signature = signatures_.substr(row.signature, row.signature_size);
    return out;
}

std::optional<std::size_t> CatalogSheet::row_of(const Digest& digest) const {
    auto at = std::lower_bound(rows_.begin(), rows_.end(), digest,
                               [](const Row& row, const Digest& d) { return row.digest < d; });
    if (at == rows_.end() || at->digest != digest) return std::nullopt;
    return static_cast<std::size_t>(at - rows_.begin());
}

std::optional<IndexEntry> CatalogSheet::find(const Digest& digest) const {
    const auto row = row_of(digest);
    return row ? std::optional(entry(rows_[*row])) : std::nullopt;
}

std::optional<IndexEntry> CatalogSheet::find(std::string_view wanted) const {
    auto at = std::lower_bound(by_path_.begin(), by_path_.end(), wanted,
                               [this](std::uint32_t row, std::string_view text) { return path(rows_[row]) < text; });
    if (at == by_path_.end() || path(rows_[*at]) != wanted) return std::nullopt;
    for (auto next = at + 1; next != by_path_.end() && path(rows_[*next]) == wanted; ++next)
        if (rows_[*next].digest != rows_[*at].digest) return std::nullopt;
    return entry(rows_[*at]);
}

std::vector<IndexEntry> CatalogSheet::named(std::string_view package) const {
    std::vector<IndexEntry> out;
    for (const auto& row : rows_) {
        const std::string_view name = texts_.data() + row.text + path(row).size() + 1;
        if (name == package) out.push_back(entry(row));
    }
    return out;
}

void Catalog::set(const RepositoryId& repository, const std::string& sheet, const std::vector<IndexEntry>& entries,
                  LeftOut left_out) {
    set(repository, sheet, std::make_shared<const CatalogSheet>(entries, std::move(left_out)));
}

void Catalog::set(const RepositoryId& repository, const std::string& sheet,
                  std::shared_ptr<const CatalogSheet> entries) {
    sheets_[repository].insert_or_assign(sheet, std::move(entries));
}

bool Catalog::has_sheet(const RepositoryId& repository, const std::string& sheet) const {
    const auto at = sheets_.find(repository);
    return at != sheets_.end() && at->second.count(sheet) != 0;
}

void Catalog::keep_only(const RepositoryId& repository, const std::vector<std::string>& sheets) {
    std::erase_if(sheets_[repository], [&](const auto& item) {
        return std::find(sheets.begin(), sheets.end(), item.first) == sheets.end();
    });
}

bool Catalog::has(const Digest& digest) const {
    return std::any_of(sheets_.begin(), sheets_.end(), [&](const auto& item) { return has(item.first, digest); });
}

bool Catalog::has(const RepositoryId& repository, const Digest& digest) const {
    const auto at = sheets_.find(repository);
    return at != sheets_.end() && std::any_of(at->second.begin(), at->second.end(),
                                              [&](const auto& item) { return item.second->has(digest); });
}

std::optional<CatalogHit> Catalog::find(const Digest& digest) const {
    for (const auto& [repository, sheets] : sheets_)
        if (auto hit = find_in(repository, digest)) return hit;
    return std::nullopt;
}

std::optional<CatalogHit> Catalog::find_in(const RepositoryId& repository, const Digest& digest) const {
    const auto at = sheets_.find(repository);
    if (at == sheets_.end()) return std::nullopt;
    for (const auto& [name, sheet] : at->second)
        if (auto entry = sheet->find(digest)) return CatalogHit{repository, std::move(*entry)};
    return std::nullopt;
}

std::optional<CatalogHit> Catalog::find(const RepositoryId& repository, std::string_view path) const {
    const auto at = sheets_.find(repository);
    if (at == sheets_.end()) return std::nullopt;
    for (const auto& [name, sheet] : at->second)
        if (auto entry = sheet->find(path)) return CatalogHit{repository, std::move(*entry)};
    return std::nullopt;
}

std::vector<CatalogHit> Catalog::named(std::string_view package) const {
    std::vector<CatalogHit> out;
    for (const auto& [repository, sheets] : sheets_)
        for (const auto& [name, sheet] : sheets)
            for (auto& entry : sheet->named(package)) out.push_back({repository, std::move(entry)});
    return out;
}

std::size_t Catalog::packages(const RepositoryId& repository) const {
    std::size_t total = 0;
    if (const auto at = sheets_.find(repository); at != sheets_.end())
        for (const auto& [name, sheet] : at->second) total += sheet->packages();
    return total;
}

LeftOut Catalog::left_out(const RepositoryId& repository) const {
    LeftOut out;
    if (const auto at = sheets_.find(repository); at != sheets_.end())
        for (const auto& [name, sheet] : at->second) out.add(sheet->left_out());
    return out;
}

}  // namespace packswarm::core
