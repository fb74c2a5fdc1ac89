#include "p2p/swarm/offered_files.hpp"

#include <algorithm>

#include "p2p/base/log.hpp"
#include "p2p/core/canonical.hpp"

namespace packswarm::swarm {

namespace {

constexpr std::size_t max_open_handles = 64;
constexpr std::size_t lineage_bits = 64;
static_assert(limits::max_lineages <= lineage_bits);

}  // namespace

void OfferedFiles::put(const StoredMark& file, const LineageId& lineage) {
    const auto bit = bit_of(lineage);
    if (bit == 0) return spdlog::warn("swarm: {} is not shared: too many lineages", file.digest().hex());
    if (!file.is_proven()) return withdraw(file.digest());
    OfferedFile entry{file.digest(), file.info(), file.has_pieces(), file.has_signature(), bit};
    if (const auto* old = find(entry.digest)) {
        const bool is_known = old->info.is_untouched_since(entry.info) && old->has_pieces == entry.has_pieces &&
                              old->has_signature == entry.has_signature;
        if (is_known && (old->lineages & bit) != 0) return;
        entry.lineages |= old->lineages;
        withdraw(file.digest());
    }
    if (entry.has_pieces) {
        const auto pieces = reader_->pieces_of(entry.digest);
        if (pieces.size() != core::piece_count(entry.info.size))
            return spdlog::warn("swarm: {} is not shared: {} piece hashes do not fit {} bytes", entry.digest.hex(),
                                pieces.size(), entry.info.size);
        const auto hash = infohash(entry.digest, entry.info.size, pieces);
        by_infohash_[hash] = entry.digest;
        infohashes_[entry.digest] = hash;
    }
    entries_.insert(entry);
}

void OfferedFiles::withdraw(const Digest& digest) {
    const auto at = entries_.find(digest);
    if (at == entries_.end()) return;
    close(digest);
    if (const auto hash = infohashes_.extract(digest)) by_infohash_.erase(hash.mapped());
    entries_.erase(at);
}

std::uint64_t OfferedFiles::bit_of(const LineageId& lineage) {
    const auto bit = [&](auto at) { return std::uint64_t{1} << (at - lineages_.begin()); };
    if (const auto at = std::find(lineages_.begin(), lineages_.end(), lineage); at != lineages_.end()) return bit(at);
    if (lineages_.size() < lineage_bits) {
        lineages_.push_back(lineage);
        return bit(lineages_.end() - 1);
    }
    std::uint64_t used = 0;
    for (const auto& entry : entries_) used |= entry.lineages;
    for (auto at = lineages_.begin(); at != lineages_.end(); ++at) {
        if ((used & bit(at)) != 0) continue;
        *at = lineage;
        return bit(at);
    }
    return 0;
}

void OfferedFiles::set_roots(const LineageId& lineage, std::vector<Digest> roots) {
    roots_[lineage] = std::move(roots);
}
void OfferedFiles::forget_lineage(const LineageId& lineage) { roots_.erase(lineage); }

const OfferedFile* OfferedFiles::find(const Digest& digest) const {
    const auto at = entries_.find(digest);
    return at == entries_.end() ? nullptr : &*at;
}

const OfferedFile* OfferedFiles::find(const Infohash& infohash) const {
    const auto at = by_infohash_.find(infohash);
    return at == by_infohash_.end() ? nullptr : find(at->second);
}

std::optional<Infohash> OfferedFiles::infohash_of(const Digest& digest) const {
    const auto at = infohashes_.find(digest);
    return at == infohashes_.end() ? std::nullopt : std::optional(at->second);
}

PieceHashes OfferedFiles::pieces_of(const OfferedFile& entry) const {
    return entry.has_pieces ? reader_->pieces_of(entry.digest) : PieceHashes{};
}

Bytes OfferedFiles::signature_of(const OfferedFile& entry) const {
    return entry.has_signature ? reader_->signature_of(entry.digest) : Bytes{};
}

bool OfferedFiles::shared_with(const OfferedFile& entry, const LineageId& lineage) const {
    const auto roots = roots_.find(lineage);
    if (roots != roots_.end() &&
        std::find(roots->second.begin(), roots->second.end(), entry.digest) != roots->second.end())
        return true;
    const auto place = std::find(lineages_.begin(), lineages_.end(), lineage);
    return place != lineages_.end() && (entry.lineages >> (place - lineages_.begin()) & 1) != 0;
}

Result<void> OfferedFiles::read(const Digest& digest, ByteCount offset, std::span<char> out) {
    const auto* entry = find(digest);
    if (entry == nullptr) return fail(ErrorKind::Absent, "it is not offered");
    const auto handle = open(*entry);
    if (!handle) return tl::unexpected(handle.error());
    const auto got = read_at(**handle, offset, out);
    if (!got || *got != out.size()) return drop(digest, got ? "it is shorter than it was" : got.error().message);
    return {};
}

Result<void> OfferedFiles::check(const Digest& digest) {
    const auto* entry = find(digest);
    if (entry == nullptr) return fail(ErrorKind::Absent, "it is not offered");
    if (const auto handle = open(*entry); !handle) return tl::unexpected(handle.error());
    return {};
}

// An open handle is looked at again each time: somebody may write to the file while we hold it.
Result<const FileHandle*> OfferedFiles::open(const OfferedFile& entry) {
    const auto known =
        std::find_if(handles_.begin(), handles_.end(), [&](const auto& item) { return item.first == entry.digest; });
    if (known != handles_.end()) {
        handles_.splice(handles_.begin(), handles_, known);
    } else {
        auto fresh = open_for_reading(reader_->path_of(entry.digest));
        if (!fresh && fresh.error().kind == ErrorKind::Broken)
            return fail(ErrorKind::Absent, "{}", fresh.error().message);
        if (!fresh) return drop(entry.digest, fresh.error().message);
        handles_.emplace_front(entry.digest, std::move(*fresh));
        if (handles_.size() > max_open_handles) handles_.pop_back();
    }
    const auto now = file_info(handles_.front().second);
    if (!now || !now->is_untouched_since(entry.info)) return drop(entry.digest, "it has changed since it was offered");
    return &handles_.front().second;
}

void OfferedFiles::close(const Digest& digest) {
    std::erase_if(handles_, [&](const auto& item) { return item.first == digest; });
}

tl::unexpected<Error> OfferedFiles::drop(const Digest& digest, std::string why) {
    spdlog::warn("swarm: {} is no longer shared: {}", digest.hex(), why);
    withdraw(Digest(digest));
    return fail(ErrorKind::Absent, "{}", why);
}

}  // namespace packswarm::swarm
