// Which of the four ways a request goes: from the store, as an artifact whose digest is known, as a root that is
// revalidated, or handed through. Each way is a desk's; signatures of packages are answered here.
#include <utility>

#include "p2p/broker/broker.hpp"

namespace packswarm::broker {

void Broker::dispatch(RequestId id) {
    const auto* asker = askers_.find(id);
    if (asker == nullptr) return;
    if (askers_.has_too_many(asker->request.user))
        return askers_.fail(id, {ErrorKind::Refused, "too many requests at once"}, {});
    if (asker->request.from == From::store) return serve_stored(id);
    if (!asker->request.lists.empty()) missing_.told(asker->request.lists);
    const auto meaning = reader_.read(asker->request);
    if (!meaning) return askers_.fail(id, meaning.error(), {});
    if (asked_for_ && !askers_.is_prefetch(id) && meaning->hit && !meaning->hit->entry.name.empty())
        asked_for_(*meaning->hit);
    serve(id, *meaning);
}

void Broker::serve_stored(RequestId id) {
    const auto digest = askers_.at(id).request.digest;
    if (!digest || !stored_.serve(id, *digest)) askers_.fail(id, {ErrorKind::Absent, "it is not stored here"}, {});
}

void Broker::serve(RequestId id, const Meaning& meaning) {
    const auto& asker = askers_.at(id);
    if (!asker.request.digest && reader_.is_listed(meaning) && look_first(id, meaning)) return;
    if (meaning.digest && stored_.serve(id, *meaning.digest)) return;
    if (asker.in_vain && asker.in_vain->digest == meaning.digest)
        return askers_.fail(id, Error(asker.in_vain->error), {});
    if (!meaning.digest && roots_.serve(id, meaning)) return;
    if (!meaning.digest && serve_signature(id, meaning)) return;
    if (meaning.digest && meaning.size) return artifacts_.serve(id, meaning);
    if (askers_.at(id).request.unlisted == Unlisted::left_to_asker) return askers_.leave_to_asker(id);
    if (!meaning.digest && look_first(id, meaning)) return;
    plain_.serve(id, meaning);
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
bool Broker::looks_again(RequestId id, const Digest& digest, const std::optional<Error>& error) {
    auto* asker = askers_.find(id);
    if (asker == nullptr || asker->told || asker->request.digest) return false;
    const auto meaning = reader_.read(asker->request);
    if (!meaning || !meaning->hit || !errands_.looks().doubt(meaning->hit->repository)) return false;
    if (error) asker->in_vain = InVain{digest, *error};
    return look_first(id, *meaning);
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
