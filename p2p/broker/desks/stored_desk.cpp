#include "p2p/broker/desks/stored_desk.hpp"

#include <memory>
#include <optional>
#include <utility>

namespace packswarm::broker {

namespace {

std::optional<WallTime> date_of(const std::optional<ArtifactRecord>& record) {
    return record && record->modified != WallTime{} ? std::optional(record->modified) : std::nullopt;
}

}  // namespace

bool StoredDesk::serve(RequestId id, const Digest& digest) {
    const auto& request = askers_.at(id).request;
    const auto answer = [&](SharedBytes bytes, ByteCount size, std::optional<WallTime> modified) {
        // Who names the digest wants these bytes; who names only the date that they are given out with has them.
        if (!request.digest && modified && request.if_modified_since == modified)
            return askers_.say_not_modified(id, {SourceKind::cache, "", 0, 0}), true;
        askers_.deliver(id, {std::move(bytes), size, digest, modified, {{SourceKind::cache, "", size, 0}}},
                        {"it was here already"});
        return true;
    };
    if (const auto* fresh = publishing_.fresh(digest)) return answer(fresh->bytes, fresh->size, fresh->modified);
    const auto stored = store_.find(digest);
    if (!stored) return serve_kept(id, digest);
    const auto file = std::make_shared<const StoredFile>(*stored);
    return answer(SharedBytes(file, &file->handle()), stored->size(), date_of(store_.record(digest)));
}

// It is hashed first. Who streams is shown meanwhile what piece hashes have found right, the others nothing.
bool StoredDesk::serve_kept(RequestId id, const Digest& digest) {
    auto& asker = askers_.at(id);
    const auto record = store_.brief(digest) ? store_.record(digest) : std::nullopt;
    if (!record || std::exchange(asker.waited_for_proof, true)) return false;
    Proofs::Watch watch;
    if (asker.request.streams)
        watch = lifetime_.guard([this, id, modified = date_of(record)](const KeptFile& file, ByteCount checked) {
            askers_.tell_started(id, {file.size(), modified, file.shared_handle()});
            askers_.tell_progress(id, {checked, checked, checked, modified});
        });
    const auto then = lifetime_.guard([this, id, digest] { proof_ended(id, digest); });
    proofs_.prove(digest, Proofs::Need::awaited, then, watch);
    return true;
}

// Rotten: fetched as if it had never been here. Who was shown its first bytes gets the rest of the same file.
void StoredDesk::proof_ended(RequestId id, const Digest& digest) {
    auto* asker = askers_.find(id);
    if (asker == nullptr || serve(id, digest)) return;
    if (std::exchange(asker->told, false)) asker->request.digest = digest;
    again_(id);
}

// Only what they would be offered; the news that it is here reaches those who asked.
void StoredDesk::sought_by_peer(const Digest& digest) {
    if (!book_.is_to_be_shared(digest) || proofs_.holds(digest)) return;
    if (store_.find(digest)) return book_.proven(digest);
    proofs_.prove(digest, Proofs::Need::peers, [] {});
}

}  // namespace packswarm::broker
