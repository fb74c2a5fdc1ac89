#include "p2p/swarm/loop_side.hpp"

#include <algorithm>

namespace packswarm::swarm {

std::vector<broker::PeerView> LoopSide::view() const {
    std::vector<broker::PeerView> out;
    for (const auto& [id, view] : peers_) out.push_back(view);
    return out;
}

broker::FetchId LoopSide::expect(broker::GetEvents events) {
    const auto id = broker::FetchId{++last_id_};
    gets_[id] = std::make_shared<broker::GetEvents>(std::move(events));
    return id;
}

broker::JoinId LoopSide::expect(broker::JoinEvents events) {
    const auto id = broker::JoinId{++last_id_};
    joins_[id] = std::make_shared<broker::JoinEvents>(std::move(events));
    return id;
}

bool LoopSide::leave(broker::JoinId join, Task left) {
    if (joins_.erase(join) == 0) return false;
    leaving_[join] = std::move(left);
    return true;
}

void LoopSide::peer_up(broker::PeerView view) {
    peers_[view.id] = view;
    acquaintances_.peer_up(view);
    if (observer_ != nullptr) observer_->peer_up(view);
}

void LoopSide::peer_changed(broker::PeerView view) {
    const auto at = peers_.find(view.id);
    if (at == peers_.end()) return;
    acquaintances_.peer_up(view);
    at->second = std::move(view);
}

void LoopSide::peer_down(broker::PeerId peer) {
    acquaintances_.peer_down(peer);
    if (peers_.erase(peer) > 0 && observer_ != nullptr) observer_->peer_down(peer);
}

void LoopSide::offers(std::vector<broker::PeerOffer> offers) {
    if (observer_ != nullptr) observer_->peer_offers(std::move(offers));
}

void LoopSide::lends(const broker::PeerLoan& loan) {
    if (observer_ != nullptr) observer_->peer_lends(loan);
}

void LoopSide::seeks(broker::PeerId peer, const std::vector<Digest>& digests) {
    if (observer_ != nullptr) observer_->peer_seeks(peer, digests);
}

void LoopSide::snapshot(const broker::PeerSnapshot& snapshot) {
    if (observer_ != nullptr) observer_->peer_snapshot(snapshot);
}

void LoopSide::around(const std::map<core::Lineage, broker::Company>& told) {
    for (auto& [lineage, company] : around_)
        if (const auto at = told.find(lineage); at != told.end()) company = at->second;
}

// Who is up is known here first.
broker::Company LoopSide::company(const core::Lineage& lineage) const {
    const auto at = around_.find(lineage);
    if (at == around_.end()) return {};
    auto out = at->second;
    out.connected = static_cast<std::size_t>(std::count_if(peers_.begin(), peers_.end(), [&](const auto& item) {
        const auto& lineages = item.second.lineages;
        return std::find(lineages.begin(), lineages.end(), lineage) != lineages.end();
    }));
    return out;
}

// The events are held while they run: what they call may cancel them.
void LoopSide::data(broker::FetchId fetch, ByteCount offset, Bytes bytes) {
    const auto at = gets_.find(fetch);
    if (at == gets_.end()) return;
    const auto events = at->second;
    if (events->data) events->data(offset, std::move(bytes));
}

void LoopSide::done(broker::FetchId fetch, Result<void> result) {
    const auto node = gets_.extract(fetch);
    if (node && node.mapped()->done) node.mapped()->done(std::move(result));
}

std::shared_ptr<broker::JoinEvents> LoopSide::find(broker::JoinId join) const {
    const auto at = joins_.find(join);
    return at == joins_.end() ? nullptr : at->second;
}

void LoopSide::piece_done(broker::JoinId join, std::size_t piece, broker::PeerId from) {
    if (const auto events = find(join); events && events->piece_done) events->piece_done(piece, from);
}

void LoopSide::piece_wrong(broker::JoinId join, std::size_t piece) {
    if (const auto events = find(join); events && events->piece_wrong) events->piece_wrong(piece);
}

void LoopSide::ended(broker::JoinId join, Result<void> result) {
    if (const auto events = find(join); events && events->ended) events->ended(std::move(result));
}

void LoopSide::left(broker::JoinId join) {
    const auto node = leaving_.extract(join);
    if (node && node.mapped()) node.mapped()();
}

void ToLoop::tell(std::function<void(LoopSide&)> what) const {
    loop_->post([side = side_, what = std::move(what)] {
        if (const auto alive = side.lock()) what(*alive);
    });
}

void ToLoop::tell_data(ByteCount bytes, std::function<void(LoopSide&)> what) const {
    *unread_ += bytes;
    loop_->post([side = side_, what = std::move(what), unread = unread_, drained = drained_, bytes] {
        const auto alive = side.lock();
        if (!alive) return;
        what(*alive);
        const auto before = unread->fetch_sub(bytes);
        if (before > limits::max_unread / 2 && before - bytes <= limits::max_unread / 2) drained();
    });
}

}  // namespace packswarm::swarm
