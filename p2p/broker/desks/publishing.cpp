#include "p2p/broker/desks/publishing.hpp"

#include <memory>
#include <utility>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/core/canonical.hpp"

namespace packswarm::broker {

void Publishing::judge(const VerifiedFile& file, Then<bool> may_share) {
    const auto hit = only_hinted(file.digest());
    if (!hit) return may_share(true);
    if (!demands_proof(*hit)) return may_share(false);
    vouch(*hit, file, [may_share = std::move(may_share)](const Result<void>& good) {
        may_share(good ? Result<bool>(true) : tl::unexpected(good.error()));
    });
}

// A package of an unsigned database counts as verified only with its own signature.
std::optional<core::CatalogHit> Publishing::only_hinted(const Digest& digest) const {
    auto hit = book_.find(digest);
    const auto state = hit ? book_.states().find(hit->repository) : book_.states().end();
    const bool is_hint = state != book_.states().end() && !hit->entry.name.empty() &&
                         state->second.standing == RepositoryState::Standing::unsigned_hint;
    return is_hint ? std::move(hit) : std::nullopt;
}

// Whether a package of an unsigned database has to wait for its signature: where its owner asks for none, it is handed
// out and not shared.
bool Publishing::demands_proof(const core::CatalogHit& hit) const {
    const auto* repository = book_.table().find(hit.repository);
    return repository == nullptr || repository->package_signatures != core::PackageSignatures::not_demanded;
}

void Publishing::vouch(const core::CatalogHit& hit, const VerifiedFile& file, Then<void> then) {
    const auto staged = std::make_shared<const StagedFile>(file.file());
    vouching_[file.digest()] = SharedBytes(staged, &staged->handle());
    signatures_.vouch(hit, lifetime_.guard([this, digest = file.digest(), then = std::move(then)](Result<void> good) {
        vouching_.erase(digest);
        then(std::move(good));
    }));
}

SharedBytes Publishing::begin(const VerifiedFile& file, std::optional<WallTime> modified) {
    const auto staged = std::make_shared<const StagedFile>(file.file());
    SharedBytes bytes(staged, &staged->handle());
    fresh_[file.digest()] = {bytes, file.file().size(), modified};
    return bytes;
}

void Publishing::keep(const VerifiedFile& file, ArtifactRecord record) {
    publish_as(file, std::move(record), lifetime_.guard([this, digest = file.digest()](Result<StoredFile> stored) {
        fresh_.erase(digest);
        if (!stored) {
            const auto level = stored.error().kind == ErrorKind::Refused ? spdlog::level::info : spdlog::level::err;
            return spdlog::log(level, "{} was delivered and is not kept: {}", digest.hex(), stored.error().message);
        }
        now_stored(*stored);
    }));
}

void Publishing::now_stored(const StoredFile& file) {
    signatures_.package_stored(file.digest());
    book_.stored(file);
}

void Publishing::publish(VerifiedFile file, const std::string& name, std::optional<WallTime> modified,
                         Then<StoredFile> then) {
    const auto publish_in = [this, file, name, modified](const core::Lineage& lineage, Then<StoredFile> stored_then) {
        ArtifactRecord record;
        record.digest = file.digest();
        record.size = file.file().size();
        record.name = name;
        record.lineage = lineage;
        record.modified = modified.value_or(WallTime{});
        publish_as(file, std::move(record),
                   lifetime_.guard([this, stored_then = std::move(stored_then)](Result<StoredFile> stored) {
                       if (stored) now_stored(*stored);
                       stored_then(std::move(stored));
                   }));
    };
    const auto hit = only_hinted(file.digest());
    publish_in(hit ? core::Lineage() : book_.public_lineage(file.digest()), std::move(then));
    if (!hit || !demands_proof(*hit)) return;
    vouch(*hit, file, [this, publish_in, name, digest = file.digest()](const Result<void>& good) {
        if (!good) return spdlog::warn("{} is not shared: {}", printable(name), good.error().message);
        publish_in(book_.public_lineage(digest), [](const Result<StoredFile>&) {});
    });
}

// Piece hashes are computed once, before the row is written: peers ask for large files as torrents, and after a restart
// the file goes out piece by piece while it is hashed.
void Publishing::publish_as(VerifiedFile file, ArtifactRecord record, Then<StoredFile> then) {
    remains_.drop(file.digest());
    if (record.size <= limits::small_artifact)
        return context_.store.publish(std::move(file), std::move(record), std::move(then));
    const ByteRange all{0, record.size};
    context_.trust.piece_hashes(file.file(), all, core::piece_length(all.end),
                                lifetime_.guard([this, file, record = std::move(record),
                                                 then = std::move(then)](Result<PieceHashes> pieces) mutable {
                                    if (pieces) record.pieces = std::move(*pieces);
                                    context_.store.publish(std::move(file), std::move(record), std::move(then));
                                }));
}

const Publishing::Fresh* Publishing::fresh(const Digest& digest) const {
    const auto at = fresh_.find(digest);
    return at == fresh_.end() ? nullptr : &at->second;
}

SharedBytes Publishing::bytes_of(const Digest& digest) {
    if (const auto vouching = vouching_.find(digest); vouching != vouching_.end()) return vouching->second;
    if (const auto* here = fresh(digest)) return here->bytes;
    const auto stored = context_.store.find(digest);
    if (!stored) {
        const auto proven = lifetime_.guard([this, digest] {
            if (context_.store.find(digest)) signatures_.package_here(digest);
        });
        if (context_.store.brief(digest)) proofs_.prove(digest, Proofs::Need::awaited, proven);
        return nullptr;
    }
    const auto file = std::make_shared<const StoredFile>(*stored);
    return SharedBytes(file, &file->handle());
}

}  // namespace packswarm::broker
