#include "p2p/plan/lenders.hpp"

namespace packswarm::plan {

void Lenders::set(SourceId peer, std::vector<bool> pieces) {
    drop(peer);
    if (copies_.size() < pieces.size()) copies_.resize(pieces.size());
    for (std::size_t piece = 0; piece < pieces.size(); ++piece) copies_[piece] += pieces[piece] ? 1 : 0;
    pieces_[peer] = std::move(pieces);
}

void Lenders::drop(SourceId peer) {
    const auto at = pieces_.find(peer);
    if (at == pieces_.end()) return;
    for (std::size_t piece = 0; piece < at->second.size(); ++piece) copies_[piece] -= at->second[piece] ? 1 : 0;
    pieces_.erase(at);
}

void Lenders::clear() {
    pieces_.clear();
    copies_.clear();
}

const std::vector<bool>& Lenders::of(SourceId peer) const {
    static const std::vector<bool> nothing;
    const auto at = pieces_.find(peer);
    return at == pieces_.end() ? nothing : at->second;
}

}  // namespace packswarm::plan
