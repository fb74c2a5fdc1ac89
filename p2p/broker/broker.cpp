#include "p2p/broker/broker.hpp"

#include <algorithm>

namespace packswarm::broker {

namespace {
bool has_neighbours(const Peers& peers) {
    const auto all = peers.view();
    return std::any_of(all.begin(), all.end(), [](const PeerView& peer) { return peer.reach == Reach::lan; });
}
}  // namespace

Broker::Broker(Loop& loop, Mirrors& mirrors, Peers& peers, Store& store, Ledger& ledger, Trust& trust,
               BrokerSettings settings)
    : sources_(loop, ledger, board_),
      proofs_(loop, store, trust),
      context_{loop,
               mirrors,
               peers,
               store,
               trust,
               board_,
               sources_,
               [this] { transfers_.replan_soon(); },
               [this] { return book_.shares(); },
               [this](plan::SourceId source) { transfers_.discredited(source); }},
      book_(loop, store, ledger, trust, peers, proofs_),
      missing_(loop, *this, book_, trust),
      prefetch_(*this, book_, store),
      upgrades_(*this, book_, store, [&peers] { return has_neighbours(peers); }),
      askers_(loop, ledger, board_,
              [this](RequestId id, const Error& error) { return ask_by_its_own_name(id, error); }),
      graveyard_(loop),
      holding_(loop, store, askers_),
      reader_(context_, book_, [this](const core::Location& location) { return roots_.is_behind(location); }),
      errands_(context_, book_),
      news_(context_, book_),
      signatures_(context_, book_, settings.peer_grace,
                  {[this](const Digest& digest) { return publishing_.bytes_of(digest); },
                   [this](const Digest& digest) { return transfers_.has(digest) || proofs_.holds(digest); }}),
      publishing_(context_, book_, proofs_, signatures_, remains_),
      questions_(loop, peers),
      transfers_(context_, askers_, graveyard_, questions_, remains_,
                 {[this](plan::WantId want, Transfer& transfer) { ear_.join(want, transfer); },
                  [this](plan::WantId want, const VerifiedFile& file) { artifacts_.verified(want, file); },
                  [this](plan::WantId want, const Error& error) { artifacts_.failed(want, error); }}),
      ear_(context_, transfers_,
           {[this](PeerId peer) { book_.peer_down(peer); },
            [this](const PeerOffer& offer) { signatures_.offered(offer); },
            [this](const Digest& digest) { stored_.sought_by_peer(digest); },
            [this](const PeerSnapshot& snapshot) {
                book_.peer_snapshot(snapshot);
                news_.shown();
            }}),
      stored_(store, book_, proofs_, publishing_, askers_, [this](RequestId id) { dispatch(id); }),
      artifacts_(context_, book_, reader_, askers_, transfers_, publishing_, graveyard_, std::move(settings.formats),
                 [this](RequestId id, const Digest& digest, const std::optional<Error>& error) {
                     return looks_again(id, digest, error);
                 }),
      roots_(context_, book_, reader_, askers_, holding_,
             {[this](const core::RepositoryId& repository) { database_given(repository); },
              [this](RequestId id, const Meaning& meaning) { plain_.serve(id, meaning); }}),
      plain_(context_, book_, reader_, askers_, graveyard_),
      parcels_(loop, store, book_) {
    board_.peer_grace = settings.peer_grace;
    context_.asks_strangers = settings.asks_strangers;
    if (settings.memory) {
        context_.roots.count_in(*settings.memory);
        context_.arrivals.count_in(*settings.memory);
    }
    board_.key = peers.key();
    peers.set_observer(&ear_);
    book_.set_missing([this](const auto& repository, const auto& missing) { missing_.want(repository, missing); });
    store.set_spare(&remains_);
    transfers_.take_up_remains();
    store.set_removed([this](const Digest& digest) { book_.removed(digest); });
    proofs_.set_proven([this](const Digest& digest) { book_.proven(digest); });
}

// What ends with us, in the desks and in the graveyard, plans nothing and reaches nobody.
Broker::~Broker() {
    lifetime_.end();
    transfers_.leave_to_the_next();
    context_.replan = [] {};
    context_.peers.set_observer(nullptr);
    context_.store.set_removed(nullptr);
    context_.store.set_spare(nullptr);
}

RequestId Broker::get(Request request, RequestEvents events) {
    const auto id = askers_.add(std::move(request), std::move(events));
    context_.loop.post(lifetime_.guard([this, id] { dispatch(id); }));
    return id;
}

void Broker::cancel(RequestId request) {
    const auto left = askers_.take(request);
    if (!left) return;
    plain_.leave(request);
    roots_.leave(request);
    transfers_.leave(request, *left);
}

void Broker::set_scrub(ByteCount per_second) {
    proofs_.set_scrub(per_second, [this] { return askers_.is_empty() && transfers_.is_empty(); });
}

std::optional<std::string> Broker::gateway_address(core::Format format, const core::GatewayFile& at,
                                                   const std::string& path) const {
    const auto* known = book_.table().find(format, at.repository, at.architecture);
    if (known == nullptr || known->bases.empty()) return std::nullopt;
    return core::address(known->bases.front(), path);
}

core::PackageSignatures Broker::package_signatures(core::Format format, const core::GatewayFile& at) const {
    const auto* known = book_.table().find(format, at.repository, at.architecture);
    return known == nullptr ? core::PackageSignatures::demanded : known->package_signatures;
}

}  // namespace packswarm::broker
