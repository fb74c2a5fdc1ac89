#include "p2p/broker/sightings.hpp"

#include <algorithm>
#include <tuple>

#include "p2p/base/limits.hpp"
#include "p2p/core/repository_table.hpp"

namespace packswarm::broker {

Sightings::Sightings(Ledger& ledger) : ledger_(ledger) {
    for (auto& sighting : ledger.sightings()) {
        auto& rows = by_address_[sighting.address];
        rows.push_back(std::move(sighting));
    }
    for (auto& [address, rows] : by_address_)
        std::stable_sort(rows.begin(), rows.end(),
                         [](const auto& a, const auto& b) { return a.confirmed > b.confirmed; });
}

void Sightings::saw(core::Sighting sighting) {
    auto& rows = by_address_[sighting.address];
    // While one file stays, the first date it came with is kept beside the last: an address may give a new one each
    // time.
    const auto is_this = [&](const core::Sighting& row) { return row.file == sighting.file; };
    if (rows.size() > 1 && is_this(rows[0]) && is_this(rows[1]) && rows[1].modified != sighting.modified) {
        ledger_.forget_sighting(rows.front());
        rows.erase(rows.begin());
    }
    std::erase_if(rows, [&](const core::Sighting& row) { return is_this(row) && row.modified == sighting.modified; });
    ledger_.save_sighting(sighting);
    rows.insert(rows.begin(), std::move(sighting));
    while (rows.size() > limits::max_sightings) {
        ledger_.forget_sighting(rows.back());
        rows.pop_back();
    }
    if (by_address_.size() > limits::max_sighted) drop_oldest_address();
}

void Sightings::drop_oldest_address() {
    const auto oldest = std::min_element(by_address_.begin(), by_address_.end(), [](const auto& a, const auto& b) {
        return a.second.front().confirmed < b.second.front().confirmed;
    });
    for (const auto& row : oldest->second) ledger_.forget_sighting(row);
    by_address_.erase(oldest);
}

void Sightings::confirmed(const std::string& address, WallTime now) {
    const auto at = by_address_.find(address);
    if (at == by_address_.end()) return;
    at->second.front().confirmed = std::max(at->second.front().confirmed, now);
    ledger_.save_sighting(at->second.front());
}

std::optional<WallTime> Sightings::revalidates(const std::string& address, const Digest& file,
                                               std::optional<WallTime> asker_since) const {
    const auto at = by_address_.find(address);
    if (at == by_address_.end() || at->second.front().file != file) return std::nullopt;
    for (const auto& row : at->second) {
        if (row.file != file) break;
        if (asker_since && row.modified == asker_since) return asker_since;
    }
    const auto& newest = at->second.front().modified;
    if (asker_since && newest && *asker_since > *newest) return std::nullopt;
    return newest;
}

std::optional<Digest> Sightings::given(const core::Repository& repository, const std::string& path,
                                       WallTime modified) const {
    std::optional<Digest> found;
    for (const auto& base : repository.bases) {
        const auto at = by_address_.find(core::address(base, path));
        if (at == by_address_.end()) continue;
        for (const auto& row : at->second) {
            if (row.modified != modified || found == row.file) continue;
            if (found) return std::nullopt;
            found = row.file;
        }
    }
    return found;
}

std::vector<const Sightings::Rows*> Sightings::rows_of(const core::Repository& repository) const {
    std::vector<const Rows*> out;
    for (const auto& base : repository.bases)
        for (const auto& path : core::root_paths(repository))
            if (const auto at = by_address_.find(core::address(base, path)); at != by_address_.end())
                out.push_back(&at->second);
    return out;
}

bool Sightings::showed(const core::Repository& repository, const Digest& bundle) const {
    const auto all = rows_of(repository);
    return std::any_of(all.begin(), all.end(), [&](const Rows* rows) {
        return std::any_of(rows->begin(), rows->end(), [&](const core::Sighting& row) { return row.bundle == bundle; });
    });
}

namespace {

// Newest first, each once, no more than are told to peers.
void settle(std::vector<core::RootMark>& marks) {
    std::sort(marks.begin(), marks.end(),
              [](const auto& a, const auto& b) { return std::tie(b.date, b.content) < std::tie(a.date, a.content); });
    marks.erase(std::unique(marks.begin(), marks.end()), marks.end());
    if (marks.size() > limits::max_sightings) marks.resize(limits::max_sightings);
}

}  // namespace

core::Mark Sightings::address_mark(const core::Repository& repository, const std::string& base) {
    return core::mark_of("packswarm address 1\n" + core::address(base, core::root_path(repository)));
}

core::Provenance Sightings::provenance(const core::Repository& repository) const {
    core::Provenance out;
    WallTime newest{};
    for (const auto& base : repository.bases) {
        bool has_shown = false;
        for (const auto& path : core::root_paths(repository)) {
            const auto at = by_address_.find(core::address(base, path));
            if (at == by_address_.end()) continue;
            for (const auto& row : at->second) {
                if (row.content == Digest{}) continue;  // nothing signed: it shows nothing
                has_shown = true;
                out.contents.push_back({core::mark_of(row.content), row.date});
                if (row.date < newest) continue;
                newest = row.date;
                out.product = row.product;
            }
        }
        if (has_shown && out.addresses.size() < limits::max_sightings)
            out.addresses.push_back(address_mark(repository, base));
    }
    settle(out.contents);
    return out;
}

std::vector<core::RootMark> Sightings::bundles(const core::Repository& repository) const {
    std::vector<core::RootMark> out;
    for (const auto* rows : rows_of(repository))
        for (const auto& row : *rows)
            if (row.content != Digest{}) out.push_back({core::mark_of(row.bundle), row.date});
    settle(out);
    return out;
}

std::optional<WallTime> Sightings::last_confirmed(const core::Repository& repository) const {
    std::optional<WallTime> out;
    for (const auto* rows : rows_of(repository))
        if (!out || *out < rows->front().confirmed) out = rows->front().confirmed;
    return out;
}

}  // namespace packswarm::broker
