#include "p2p/broker/signature_desk.hpp"

#include <algorithm>
#include <utility>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"

namespace packswarm::broker {

namespace {
constexpr std::size_t max_quests = 1024, max_good = 1024, max_tellers = 16;
constexpr auto mirrors_patience = Millis(1500);  // then peers are asked beside them
constexpr auto ask_interval = Seconds(1);        // peers learn: it may be on its way into their store
}  // namespace

// ---- What is wanted
// --------------------------------------------------------------------------------------------------------

void SignatureDesk::get(const core::CatalogHit& hit, std::vector<MirrorAddress> mirrors, Then<PackageSignature> then) {
    const auto known = known_of(hit.entry.digest);
    auto* quest = known.empty() ? &begin(hit, std::move(mirrors)) : nullptr;
    if (quest != nullptr && (quest->candidate.empty() || quest->giver != PeerId::none))
        return quest->askers.push_back(std::move(then));
    const SourceShare here{SourceKind::cache, "", static_cast<ByteCount>(known.size()), 0};
    context_.loop.post([then = std::move(then), signature = quest
                                                                ? PackageSignature{quest->candidate, quest->from}
                                                                : PackageSignature{known, here}] { then(signature); });
}

Bytes SignatureDesk::known_of(const Digest& digest) const {
    if (const auto good = good_.find(digest); good != good_.end()) return good->second;
    const auto record = context_.store.record(digest);
    return record ? record->signature : Bytes();
}

void SignatureDesk::vouch(const core::CatalogHit& hit, Then<void> then) {
    const auto* repository = book_.table().find(hit.repository);
    const auto signature = repository->format->package_signature(hit.entry.path);
    std::vector<MirrorAddress> mirrors;
    for (const auto& base : repository->bases)
        mirrors.push_back({context_.sources.mirror(base), core::address(base, signature)});
    auto& quest = begin(hit, std::move(mirrors));
    quest.vouchers.push_back(std::move(then));
    if (!hit.entry.signature.empty() && quest.candidate.empty())
        quest.candidate.assign(hit.entry.signature.begin(), hit.entry.signature.end());
    check(hit.entry.digest);
}

SignatureDesk::Quest* SignatureDesk::find(const Digest& digest) {
    const auto at = quests_.find(digest);
    return at == quests_.end() ? nullptr : &at->second;
}

SignatureDesk::Quest& SignatureDesk::begin(const core::CatalogHit& hit, std::vector<MirrorAddress> mirrors) {
    const auto digest = hit.entry.digest;
    if (auto* known = find(digest)) return *known;
    if (quests_.size() >= max_quests) std::erase_if(quests_, [](const auto& item) { return item.second.is_idle(); });
    auto& quest = quests_[digest];
    quest.hit = hit;
    if (!hit.entry.signature.empty()) return quest;
    const bool no_mirror = std::none_of(mirrors.begin(), mirrors.end(), [this](const MirrorAddress& mirror) {
        return context_.board.sources.at(mirror.source).usable;
    });
    PlainFetch::Wish wish;
    wish.mirrors = std::move(mirrors);
    wish.max_size = limits::max_signature;
    quest.mirrors = std::make_unique<PlainFetch>(
        context_, std::move(wish), [] {}, [] {},
        lifetime_.guard([this, digest](Result<PlainAnswer> answer) { mirrors_answered(digest, std::move(answer)); }));
    context_.loop.after(no_mirror ? Millis(0) : mirrors_patience,
                        lifetime_.guard([this, digest] { ask_peers(digest); }));
    return quest;
}

// ---- Mirrors
// ---------------------------------------------------------------------------------------------------------------

void SignatureDesk::mirrors_answered(const Digest& digest, Result<PlainAnswer> answer) {
    auto* quest = find(digest);
    if (quest == nullptr) return;
    const auto fetch = std::move(quest->mirrors);
    Bytes signature;
    if (answer && answer->file) {
        signature.resize(static_cast<std::size_t>(answer->file->size()));
        if (auto got = read_at(answer->file->handle(), 0, signature); !got) answer = tl::unexpected(got.error());
    }
    if (!answer || signature.empty()) {
        quest->mirrors_failed = answer ? Error{ErrorKind::Absent, "it has no signature"} : answer.error();
        if (quest->mirrors_failed->kind == ErrorKind::Absent && may_lack_it(quest->hit))
            return end(digest, Error(*quest->mirrors_failed));
        return ask_peers(digest);
    }
    const auto askers = std::exchange(quest->askers, {});
    const bool may_be_kept =
        !quest->is_checking && static_cast<ByteCount>(signature.size()) <= limits::max_package_signature;
    if (may_be_kept) {
        context_.peers.cancel(std::exchange(quest->get, FetchId::none));
        quest->candidate = signature;
        quest->from = answer->from;
        quest->giver = PeerId::none;
        check(digest);
    } else if (!quest->is_checking) {
        end(digest, {ErrorKind::Refused, fmt::format("its signature has {} bytes, more than {}", signature.size(),
                                                     limits::max_package_signature)});
    }
    for (const auto& asker : askers) asker(PackageSignature{signature, answer->from});
}

// Where nobody demands signatures, mirrors that have none have said enough: peers would be waited for in vain.
bool SignatureDesk::may_lack_it(const core::CatalogHit& hit) const {
    const auto* repository = book_.table().find(hit.repository);
    return repository != nullptr && repository->package_signatures != core::PackageSignatures::demanded;
}

// ---- Peers
// -----------------------------------------------------------------------------------------------------------------

void SignatureDesk::ask_peers(const Digest& digest) {
    auto* quest = find(digest);
    if (quest == nullptr || (!quest->peers_asked && !quest->candidate.empty())) return;
    if (quest->peers_asked) return void(is_over(digest));
    quest->peers_asked = context_.loop.now();
    ask_on(digest);
}

void SignatureDesk::ask_for(const core::Lineage& lineage, const Digest& digest) {
    context_.peers.ask(lineage, {digest},
                       context_.asks_strangers ? core::Audience::everybody : core::Audience::neighbours);
}

void SignatureDesk::ask_on(const Digest& digest) {
    if (is_over(digest)) return;
    auto* quest = find(digest);
    const auto lineage = book_.public_lineage(digest);
    if (quest->candidate.empty() && !lineage.empty() && context_.loop.now() - *quest->peers_asked < grace_)
        ask_for(lineage, digest);
    context_.loop.after(ask_interval, lifetime_.guard([this, digest] { ask_on(digest); }));
}

bool SignatureDesk::is_over(const Digest& digest) {
    auto* quest = find(digest);
    if (quest == nullptr || quest->is_idle()) return true;
    if (quest->is_checking || quest->get != FetchId::none || !quest->mirrors_failed) return false;
    if (!quest->candidate.empty()) {
        if (packages_.is_coming(digest) || packages_.find(digest)) return false;
        end(digest, {ErrorKind::Absent, "peers have its signature, but the package that would prove it is not here"});
        return true;
    }
    const auto lineage = book_.public_lineage(digest);
    const bool could_come = !lineage.empty() && !context_.peers.company(lineage).is_nobody();
    const bool listens = could_come && context_.loop.now() - *quest->peers_asked < grace_;
    if (listens || !quest->tellers.empty()) return false;
    end(digest, Error(*quest->mirrors_failed));
    return true;
}

void SignatureDesk::offered(const PeerOffer& offer) {
    auto* quest = find(offer.digest);
    if (quest == nullptr || !quest->peers_asked || offer.size != quest->hit.entry.size) return;
    if (offer.signature <= 0 || offer.signature > limits::max_package_signature) return;
    if (quest->tried.size() >= max_tellers || !quest->tried.insert(offer.peer).second) return;
    quest->tellers.push_back(offer);
    next_teller(offer.digest);
}

void SignatureDesk::next_teller(const Digest& digest) {
    auto* quest = find(digest);
    if (quest == nullptr || quest->get != FetchId::none || !quest->candidate.empty() || quest->tellers.empty()) return;
    const auto offer = quest->tellers.front();
    quest->tellers.pop_front();
    const auto bytes = std::make_shared<Bytes>();
    GetEvents events;
    events.data = [bytes](ByteCount, Bytes data) { bytes->insert(bytes->end(), data.begin(), data.end()); };
    events.done = lifetime_.guard([this, offer, bytes](const Result<void>& result) {
        peer_answered(offer, result ? Result<Bytes>(std::move(*bytes)) : tl::unexpected(result.error()));
    });
    quest->get = context_.peers.get(offer.peer, digest, {offer.size, offer.size + offer.signature}, std::move(events));
}

void SignatureDesk::peer_answered(const PeerOffer& offer, Result<Bytes> signature) {
    auto* quest = find(offer.digest);
    if (quest == nullptr) return;
    quest->get = FetchId::none;
    if (!signature) {
        next_teller(offer.digest);
        return void(is_over(offer.digest));
    }
    const auto source = context_.sources.find_peer(offer.peer);
    quest->from = {SourceKind::peer, source ? context_.sources.label(*source) : "",
                   static_cast<ByteCount>(signature->size()), 0};
    quest->candidate = std::move(*signature);
    quest->giver = offer.peer;
    check(offer.digest);
}

// ---- What is good
// ----------------------------------------------------------------------------------------------------------

void SignatureDesk::check(const Digest& digest) {
    auto* quest = find(digest);
    if (quest == nullptr || quest->is_checking || quest->candidate.empty()) return;
    auto package = packages_.find(digest);
    const auto* repository = book_.table().find(quest->hit.repository);
    if (!package || repository == nullptr) return;
    quest->is_checking = true;
    context_.trust.check_package(std::move(package), quest->candidate, *repository, quest->hit.entry,
                                 lifetime_.guard([this, digest](const Result<void>& good) { checked(digest, good); }));
}

void SignatureDesk::checked(const Digest& digest, const Result<void>& good) {
    auto* quest = find(digest);
    if (quest == nullptr) return;
    quest->is_checking = false;
    if (good) {
        const auto done = std::move(quests_.extract(digest).mapped());
        context_.peers.cancel(done.get);
        if (done.hit.entry.signature.empty()) keep(digest, done.candidate);
        for (const auto& asker : done.askers) asker(PackageSignature{done.candidate, done.from});
        for (const auto& voucher : done.vouchers) voucher({});
        return;
    }
    if (quest->giver == PeerId::none) return end(digest, good.error());
    if (good.error().kind == ErrorKind::Corrupt) context_.peers.blame(quest->giver, Blame::wrong_bytes);
    quest->candidate.clear();
    next_teller(digest);
    is_over(digest);
}

void SignatureDesk::keep(const Digest& digest, const Bytes& signature) {
    if (!context_.store.brief(digest)) {
        if (good_.size() >= max_good) good_.clear();  // of packages that the store did not take
        good_[digest] = signature;
        return;
    }
    context_.store.keep_signature(digest, signature, lifetime_.guard([this, digest] { book_.offer_again(digest); }));
}

void SignatureDesk::package_stored(const Digest& digest) {
    if (const auto good = good_.extract(digest)) keep(digest, good.mapped());
}

void SignatureDesk::end(const Digest& digest, const Error& error) {
    const auto done = std::move(quests_.extract(digest).mapped());
    context_.peers.cancel(done.get);
    for (const auto& asker : done.askers) asker(tl::unexpected(error));
    for (const auto& voucher : done.vouchers) voucher(tl::unexpected(error));
}

}  // namespace packswarm::broker
