#include "p2p/broker/desks/artifact_desk.hpp"

#include <utility>

#include "p2p/base/log.hpp"

namespace packswarm::broker {

void ArtifactDesk::serve(RequestId id, const Meaning& meaning) {
    ask_mirrors_too(id, meaning);
    if (transfers_.join(id, *meaning.digest)) return;
    auto target = target_of(id, meaning);
    if (is_known_to_be_gone(id, target)) return;
    transfers_.begin(id, std::move(target));
}

// It was asked of peers alone until now.
void ArtifactDesk::ask_mirrors_too(RequestId id, const Meaning& meaning) {
    const auto want = transfers_.want_of(*meaning.digest);
    auto* transfer = want ? transfers_.find(*want) : nullptr;
    if (transfer == nullptr || !transfer->target().asking.skips_mirrors) return;
    if (std::as_const(askers_).at(id).request.from == From::peers) return;
    transfer->add_mirrors(target_of(id, meaning));
    context_.replan();
}

Target ArtifactDesk::target_of(RequestId id, const Meaning& meaning) const {
    const auto& request = std::as_const(askers_).at(id).request;
    const auto from = request.from;
    Target target;
    target.digest = *meaning.digest;
    target.size = *meaning.size;
    target.name = meaning.hit ? meaning.hit->entry.path : meaning.url.path;
    if (from == From::anybody) target.mirrors = reader_.addresses(meaning);
    target.lineage = book_.public_lineage(target.digest);
    target.is_listed = meaning.hit.has_value();
    // What is only known to be asked for soon is asked of neighbours, before strangers learn of it as of anything else.
    const bool is_for_neighbours = request.need == Need::prefetch && from == From::peers;
    target.asking = {book_.is_security_update(target.digest) || is_for_neighbours, from == From::peers};
    target.is_rewritten = core::is_rewritten(formats_.classify(meaning.url.path));
    return target;
}

// None of its mirrors had it a moment ago, and there is nobody else to ask.
bool ArtifactDesk::is_known_to_be_gone(RequestId id, const Target& target) {
    if (!askers_.has_other_way(id) || (!target.lineage.empty() && !context_.peers.company(target.lineage).is_nobody()))
        return false;
    std::optional<Error> last;
    for (const auto& mirror : target.mirrors) {
        last = context_.absences.recall(mirror.url, context_.loop.now());
        if (!last) return false;
    }
    if (last) askers_.fail(id, *last, {"it was asked for in vain a moment ago"});
    return last.has_value();
}

void ArtifactDesk::verified(plan::WantId want, const VerifiedFile& file) {
    if (transfers_.find(want)->is_contradicted())
        transfers_.let_go(want, [&](RequestId id) { return looks_again_(id, file.digest(), std::nullopt); });
    publishing_.judge(file, lifetime_.guard([this, want, file](const Result<bool>& may_share) {
        const auto* transfer = transfers_.find(want);
        if (transfer == nullptr) return;
        // Wrong for its own signature: refused. No signature to be had: the package manager decides, nobody is given
        // it.
        if (!may_share && may_share.error().kind == ErrorKind::Corrupt) return failed(want, may_share.error());
        if (!may_share)
            spdlog::warn("{} is not shared: {}", printable(transfer->target().name), may_share.error().message);
        finish(want, file, may_share.value_or(false));
    }));
}

void ArtifactDesk::finish(plan::WantId want, const VerifiedFile& file, bool may_share) {
    auto ended = transfers_.take_out(want);
    const auto& transfer = *ended.transfer;
    const auto bytes = publishing_.begin(file, transfer.modified());
    deliver(ended, {bytes, transfer.target().size, file.digest(), transfer.modified(), transfer.shares()});
    publishing_.delivered(file.digest());
    ArtifactRecord record;
    record.digest = file.digest();
    record.size = transfer.target().size;
    record.name = transfer.target().name;
    if (may_share) record.lineage = book_.public_lineage(file.digest());
    record.modified = transfer.modified().value_or(WallTime{});
    record.replicas = ended.holders;
    graveyard_.bury(std::move(ended.transfer));
    publishing_.keep(file, std::move(record));
}

void ArtifactDesk::deliver(const LiveTransfers::Ended& ended, const Delivered& delivered) {
    const bool stands = ended.transfer->stands_by_its_head();
    askers_.in_turn(ended.askers, [this, delivered, stands, reasons = ended.transfer->reasons()](RequestId id,
                                                                                                 bool is_first) {
        const auto* asker = askers_.find(id);
        if (asker != nullptr && asker->told && asker->request.streams && !stands)
            return askers_.fail(id,
                                {ErrorKind::Transient,
                                 "the file begins with other bytes than went out before it was verified: ask again"},
                                reasons);
        auto own = delivered;
        if (!is_first) own.sources = {{SourceKind::cache, "", own.size, 0}};  // the bytes were fetched once
        askers_.deliver(id, std::move(own), reasons);
    });
}

void ArtifactDesk::failed(plan::WantId want, const Error& error) {
    auto ended = transfers_.take_out(want);
    auto& transfer = *ended.transfer;
    if (transfer.is_contradicted())
        std::erase_if(ended.askers, [&](RequestId id) { return looks_again_(id, transfer.target().digest, error); });
    if (error.kind != ErrorKind::Broken) transfers_.keep_remains(transfer);
    auto lost = transfer.for_nothing();  // counted once
    for (const auto id : ended.askers) askers_.fail(id, error, transfer.reasons(), std::exchange(lost, {}));
    graveyard_.bury(std::move(ended.transfer));
}

}  // namespace packswarm::broker
