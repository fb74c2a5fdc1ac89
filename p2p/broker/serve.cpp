// How the broker understands a request and which of the four ways it is served: from the store, as an artifact whose
// digest is known, as a root that is revalidated, or handed through.
#include <algorithm>
#include <utility>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/broker/broker.hpp"
#include "p2p/core/bundle.hpp"
#include "p2p/core/canonical.hpp"

namespace packswarm::broker {

namespace {

std::optional<WallTime> date_of(const std::optional<ArtifactRecord>& record) {
    return record && record->modified != WallTime{} ? std::optional(record->modified) : std::nullopt;
}

}  // namespace

void Broker::dispatch(RequestId id) {
    const auto* asker = askers_.find(id);
    if (asker == nullptr) return;
    if (askers_.has_too_many(asker->request.user))
        return askers_.fail(id, {ErrorKind::Refused, "too many requests at once"}, {});
    if (!asker->request.lists.empty()) missing_.told(asker->request.lists);
    const auto meaning = reader_.read(asker->request);
    if (!meaning) return askers_.fail(id, meaning.error(), {});
    if (asked_for_ && !askers_.is_ahead(id) && meaning->hit && !meaning->hit->entry.name.empty())
        asked_for_(*meaning->hit);
    serve(id, *meaning);
}

void Broker::serve(RequestId id, const Meaning& meaning) {
    const auto& asker = askers_.at(id);
    if (!asker.request.digest && reader_.is_listed(meaning) && look_first(id, meaning)) return;
    if (meaning.digest && serve_stored(id, *meaning.digest)) return;
    if (asker.in_vain && asker.in_vain->digest == meaning.digest)
        return askers_.fail(id, Error(asker.in_vain->error), {});
    if (!meaning.digest && roots_.serve(id, meaning)) return;
    if (!meaning.digest && serve_signature(id, meaning)) return;
    if (meaning.digest && meaning.size) return serve_artifact(id, meaning);
    if (askers_.at(id).request.unlisted == Unlisted::left_to_asker) return askers_.leave_to_asker(id);
    if (!meaning.digest && look_first(id, meaning)) return;
    plain_.serve(id, meaning);
}

// Of what is here and has the right digest, whether it may be delivered already or not.
SharedBytes Broker::bytes_of(const Digest& digest) {
    if (const auto vouching = vouching_.find(digest); vouching != vouching_.end()) return vouching->second;
    if (const auto fresh = fresh_.find(digest); fresh != fresh_.end()) return fresh->second.bytes;
    const auto stored = store_.find(digest);
    if (!stored) {
        const auto proven = lifetime_.guard([this, digest] {
            if (store_.find(digest)) signatures_.package_here(digest);
        });
        if (store_.brief(digest)) proofs_.prove(digest, Proofs::Need::awaited, proven);
        return nullptr;
    }
    const auto file = std::make_shared<const StoredFile>(*stored);
    return SharedBytes(file, &file->handle());
}

bool Broker::serve_stored(RequestId id, const Digest& digest) {
    const auto& request = askers_.at(id).request;
    const auto answer = [&](SharedBytes bytes, ByteCount size, std::optional<WallTime> modified) {
        // Who names the digest wants these bytes; who names only the date that they are given out with has them.
        if (!request.digest && modified && request.if_modified_since == modified)
            return askers_.say_not_modified(id, {SourceKind::cache, "", 0, 0}), true;
        askers_.deliver(id, {std::move(bytes), size, digest, modified, {{SourceKind::cache, "", size, 0}}},
                        {"it was here already"});
        return true;
    };
    if (const auto fresh = fresh_.find(digest); fresh != fresh_.end())
        return answer(fresh->second.bytes, fresh->second.size, fresh->second.modified);
    const auto stored = store_.find(digest);
    if (!stored) return serve_kept(id, digest);
    const auto file = std::make_shared<const StoredFile>(*stored);
    return answer(SharedBytes(file, &file->handle()), stored->size(), date_of(store_.record(digest)));
}

// It is hashed first. Who streams is shown meanwhile what piece hashes have found right, the others nothing.
bool Broker::serve_kept(RequestId id, const Digest& digest) {
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
void Broker::proof_ended(RequestId id, const Digest& digest) {
    auto* asker = askers_.find(id);
    if (asker == nullptr || serve_stored(id, digest)) return;
    if (std::exchange(asker->told, false)) asker->request.digest = digest;
    dispatch(id);
}

// Only what they would be offered; the news that it is here reaches those who asked.
void Broker::prove_for_peers(const Digest& digest) {
    if (!book_.is_to_be_shared(digest) || proofs_.holds(digest)) return;
    if (store_.find(digest)) return book_.proven(digest);
    proofs_.prove(digest, Proofs::Need::peers, [] {});
}

void Broker::set_scrub(ByteCount per_second) {
    proofs_.set_scrub(per_second, [this] { return askers_.is_empty() && live_.empty(); });
}

// Of what is asked for by its name alone.
bool Broker::look_first(RequestId id, const Meaning& meaning) {
    const auto looked = lifetime_.guard([this, id] { dispatch(id); });
    for (const auto& location : meaning.locations)
        if (errands_.looks().holds(location, reader_.is_listed(meaning), looked)) return true;
    return false;
}

// The mirror that was named has another file: who asked by name, and was shown nothing yet, asks again once the
// repository's index was looked at. That index may list the other file.
void Broker::look_again(const Transfer& transfer, std::vector<RequestId>& askers, const std::optional<Error>& error) {
    if (!transfer.is_contradicted()) return;
    std::erase_if(askers, [&](RequestId id) {
        auto* asker = askers_.find(id);
        if (asker == nullptr || asker->told || asker->request.digest) return false;
        const auto meaning = reader_.read(asker->request);
        if (!meaning || !meaning->hit || !errands_.looks().doubt(meaning->hit->repository)) return false;
        if (error) asker->in_vain = InVain{transfer.target().digest, *error};
        return look_first(id, *meaning);
    });
}

// ---- Signatures of packages
// ------------------------------------------------------------------------------------------------

core::PackageSignatures Broker::package_signatures(core::Format format, const core::GatewayFile& at) const {
    const auto* known = book_.table().find(format, at.repository, at.architecture);
    return known == nullptr ? core::PackageSignatures::demanded : known->package_signatures;
}

// Whether a package of an unsigned database has to wait for its signature: where its owner asks for none, it is handed
// out and not shared.
bool Broker::demands_proof(const core::CatalogHit& hit) const {
    const auto* repository = book_.table().find(hit.repository);
    return repository == nullptr || repository->package_signatures != core::PackageSignatures::not_demanded;
}

// The database may carry the package's signature already, or the ledger: then it is answered without asking anybody.
bool Broker::serve_signature(RequestId id, const Meaning& meaning) {
    for (const auto& location : meaning.locations) {
        const auto package = reader_.package_of_signature(location);
        if (!package) continue;
        const auto& signature = package->entry.signature;
        if (!signature.empty()) {
            deliver_signature(id,
                              {{signature.begin(), signature.end()},
                               {SourceKind::cache, "", static_cast<ByteCount>(signature.size()), 0}},
                              "it stands in the package database");
            return true;
        }
        signatures_.get(*package, reader_.addresses(meaning),
                        lifetime_.guard([this, id](Result<PackageSignature> found) {
                            if (!found) return askers_.fail(id, found.error(), {});
                            deliver_signature(id, *found,
                                              found->from.kind == SourceKind::peer ? "it was found good for its package"
                                                                                   : "its database does not carry it");
                        }));
        return true;
    }
    return false;
}

void Broker::deliver_signature(RequestId id, const PackageSignature& signature, const char* reason) {
    holding_.deliver({id}, signature.bytes, {{}, 0, {}, std::nullopt, {signature.from}}, reason);
}

// ---- Artifacts
// -------------------------------------------------------------------------------------------------------------

// None of its mirrors had it a moment ago, and there is nobody else to ask.
bool Broker::is_known_to_be_gone(RequestId id, const Target& target) {
    if (!askers_.has_other_way(id) || (!target.lineage.empty() && !peers_.company(target.lineage).is_nobody()))
        return false;
    std::optional<Error> last;
    for (const auto& mirror : target.mirrors) {
        last = engine_.absences.recall(mirror.url, loop_.now());
        if (!last) return false;
    }
    if (last) askers_.fail(id, *last, {"it was asked for in vain a moment ago"});
    return last.has_value();
}

void Broker::serve_artifact(RequestId id, const Meaning& meaning) {
    if (const auto same = by_digest_.find(*meaning.digest); same != by_digest_.end()) {
        auto& live = live_.at(same->second);
        live.askers.push_back(id);
        weigh_need(live);
        if (live.transfer->has_started()) askers_.tell_started(id, *live.transfer->staged(), live.transfer->modified());
        return;
    }
    const auto want = plan::WantId{next_want_++};
    Target target;
    target.digest = *meaning.digest;
    target.size = *meaning.size;
    target.name = meaning.hit ? meaning.hit->entry.path : meaning.url.path;
    if (askers_.at(id).request.from == From::anybody) target.mirrors = reader_.addresses(meaning);
    target.lineage = book_.public_lineage(target.digest);
    target.is_listed = meaning.hit.has_value();
    target.asking = {book_.is_security_update(target.digest), askers_.at(id).request.from == From::peers};
    target.is_rewritten = core::is_rewritten(settings_.formats.classify(meaning.url.path));
    if (is_known_to_be_gone(id, target)) return;
    const auto for_askers = [this, want](auto&& action) {
        const auto live = live_.find(want);
        if (live == live_.end()) return;
        for (const auto asker : std::vector(live->second.askers)) action(asker, *live->second.transfer);
    };
    TransferEvents events;
    events.started = [this, for_askers] {
        for_askers([this](RequestId asker, const Transfer& transfer) {
            askers_.tell_started(asker, *transfer.staged(), transfer.modified());
        });
    };
    events.progress = [this, for_askers] {
        for_askers([this](RequestId asker, const Transfer& transfer) {
            askers_.tell_progress(asker,
                                  {transfer.received(), transfer.prefix(), transfer.safe(), transfer.modified()});
        });
    };
    // An answer may stand in the loop's queue behind the last asker's cancel.
    events.verified = [this, want](VerifiedFile file) {
        if (live_.count(want) > 0) verified(want, std::move(file));
    };
    events.failed = [this, want](Error error) {
        if (live_.count(want) > 0) transfer_failed(want, error);
    };
    by_digest_[target.digest] = want;
    auto& live = live_[want];
    live.askers.push_back(id);
    live.transfer = std::make_unique<Transfer>(engine_, want, std::move(target), std::move(events));
    live.transfer->widens();
    ask_soon(*live.transfer);
    weigh_need(live);
    join_crowd(want, *live.transfer);
    arm_tick();
    replan_soon();
    if (auto remnant = remains_.take(*meaning.digest, *meaning.size)) live.transfer->resume(std::move(*remnant));
}

// ---- Everything else
// -------------------------------------------------------------------------------------------------------

// A server may refuse this agent what it gives to the asker, whose owner chose another name for that
// (Acquire::http::User-Agent): it is asked by that one.
bool Broker::ask_by_its_own_name(RequestId id, const Error& error) {
    auto& asker = askers_.at(id);
    if (error.kind != ErrorKind::Refused || asker.request.terms.user_agent.empty() || asker.asks_by_its_own_name)
        return false;
    const auto meaning = reader_.read(asker.request);
    if (!meaning) return false;
    asker.asks_by_its_own_name = true;
    plain_.serve(id, *meaning);
    return true;
}

}  // namespace packswarm::broker
