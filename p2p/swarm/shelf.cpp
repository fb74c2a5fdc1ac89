#include "p2p/swarm/shelf.hpp"

#include <algorithm>

#include "p2p/base/log.hpp"
#include "p2p/core/canonical.hpp"
#include "p2p/swarm/canonical_torrent.hpp"

namespace packswarm::swarm {

namespace {

constexpr std::size_t max_open_handles = 64;

bool same(const FileInfo& a, const FileInfo& b) {
    return a.size == b.size && a.inode == b.inode && a.modified_ns == b.modified_ns;
}

}  // namespace

Result<Shelved> Shelf::prepare(const StoredFile& file, const LineageId& lineage, PieceHashes pieces) {
    if (!pieces.empty() && pieces.size() != core::piece_count(file.size()))
        return fail(ErrorKind::Refused, "{} piece hashes do not fit {} bytes", pieces.size(), file.size());
    const auto info = file_info(file.handle());
    if (!info) return tl::unexpected(info.error());
    if (info->size != file.size()) return fail(ErrorKind::Broken, "{} has changed its size", file.path().string());
    const auto hash = pieces.empty() ? Infohash{} : infohash(file.digest(), file.size(), pieces);
    return Shelved{file.digest(), *info, file.path(), std::move(pieces), hash, {lineage}};
}

void Shelf::put(Shelved entry) {
    if (const auto old = entries_.find(entry.digest); old != entries_.end()) {
        for (const auto& lineage : old->second.lineages)
            if (lineage != entry.lineages.front()) entry.lineages.push_back(lineage);
        if (entry.pieces.empty()) std::tie(entry.pieces, entry.infohash) = std::tie(old->second.pieces, old->second.infohash);
        withdraw(entry.digest);
    }
    if (!entry.pieces.empty()) by_infohash_[entry.infohash] = entry.digest;
    const Digest digest = entry.digest;
    entries_.emplace(digest, std::move(entry));
}

void Shelf::withdraw(const Digest& digest) {
    const auto at = entries_.find(digest);
    if (at == entries_.end()) return;
    close(digest);
    if (!at->second.pieces.empty()) by_infohash_.erase(at->second.infohash);
    entries_.erase(at);
}

void Shelf::set_root(const LineageId& lineage, const Digest& root) { roots_[lineage] = root; }
void Shelf::forget_lineage(const LineageId& lineage) { roots_.erase(lineage); }

const Shelved* Shelf::find(const Digest& digest) const {
    const auto at = entries_.find(digest);
    return at == entries_.end() ? nullptr : &at->second;
}

const Shelved* Shelf::find(const Infohash& infohash) const {
    const auto at = by_infohash_.find(infohash);
    return at == by_infohash_.end() ? nullptr : find(at->second);
}

bool Shelf::shared_with(const Shelved& entry, const LineageId& lineage) const {
    const auto root = roots_.find(lineage);
    if (root != roots_.end() && root->second == entry.digest) return true;
    return std::find(entry.lineages.begin(), entry.lineages.end(), lineage) != entry.lineages.end();
}

Result<void> Shelf::read(const Digest& digest, ByteCount offset, std::span<char> out) {
    const auto* entry = find(digest);
    if (entry == nullptr) return fail(ErrorKind::Absent, "not on the shelf");
    const auto handle = open(*entry);
    if (!handle) return tl::unexpected(handle.error());
    const auto got = read_at(**handle, offset, out);
    if (!got || *got != out.size()) return drop(digest, got ? "it is shorter than it was" : got.error().message);
    return {};
}

Result<void> Shelf::check(const Digest& digest) {
    const auto* entry = find(digest);
    if (entry == nullptr) return fail(ErrorKind::Absent, "not on the shelf");
    if (const auto handle = open(*entry); !handle) return tl::unexpected(handle.error());
    return {};
}

// An open handle is looked at again each time: somebody may write to the file while we hold it.
Result<const FileHandle*> Shelf::open(const Shelved& entry) {
    const auto known = std::find_if(handles_.begin(), handles_.end(), [&](const auto& item) { return item.first == entry.digest; });
    if (known != handles_.end()) {
        handles_.splice(handles_.begin(), handles_, known);
    } else {
        auto fresh = open_for_reading(entry.path);
        if (!fresh && fresh.error().kind == ErrorKind::Broken) return fail(ErrorKind::Absent, "{}", fresh.error().message);
        if (!fresh) return drop(entry.digest, fresh.error().message);
        handles_.emplace_front(entry.digest, std::move(*fresh));
        if (handles_.size() > max_open_handles) handles_.pop_back();
    }
    const auto now = file_info(handles_.front().second);
    if (!now || !same(*now, entry.info)) return drop(entry.digest, "it has changed since it was offered");
    return &handles_.front().second;
}

void Shelf::close(const Digest& digest) {
    std::erase_if(handles_, [&](const auto& item) { return item.first == digest; });
}

tl::unexpected<Error> Shelf::drop(const Digest& digest, std::string why) {
    spdlog::warn("swarm: {} is no longer shared: {}", digest.hex(), why);
    withdraw(Digest(digest));
    return fail(ErrorKind::Absent, "{}", why);
}

}  // namespace packswarm::swarm
