#include "p2p/broker/desks/crowd_ear.hpp"

#include <algorithm>
#include <utility>

#include "p2p/plan/crowd.hpp"

namespace packswarm::broker {

namespace {
constexpr auto crowd_memory = Seconds(10);
constexpr auto look_around =
    Millis(35);  // a little more than the planner wants to wait for the asks of others, or a neighbour's answer
constexpr std::size_t max_seeks = 4096;  // digests that others sought lately
constexpr std::size_t max_seekers = 32;  // of one digest
}  // namespace

void CrowdEar::peer_up(const PeerView& peer) {
    context_.sources.peer(peer);
    transfers_.ask_again();
}

void CrowdEar::peer_down(PeerId peer) {
    listeners_.down(peer);
    const auto source = context_.sources.find_peer(peer);
    if (!source) return;
    transfers_.peer_gone(*source);
    context_.sources.forget_peer(peer);
    context_.replan();
}

void CrowdEar::peer_offers(std::vector<PeerOffer> offers) {
    for (const auto& offer : offers) {
        listeners_.offered(offer);
        const auto want = transfers_.want_of(offer.digest);
        if (!want) continue;
        if (const auto source = context_.sources.find_peer(offer.peer)) {
            transfers_.note_holder(*want, *source);
            auto& sources = context_.board.sources;
            if (const auto at = sources.find(*source); at != sources.end()) at->second.missed = 0;
        }
        transfers_.find(*want)->offered(offer);
    }
}

void CrowdEar::peer_lends(const PeerLoan& loan) {
    const auto want = transfers_.want_of(loan.digest);
    if (!want) return;
    if (const auto source = context_.sources.find_peer(loan.peer)) transfers_.note_holder(*want, *source);
    transfers_.find(*want)->lent(loan);
}

void CrowdEar::peer_seeks(PeerId peer, const std::vector<Digest>& digests) {
    const auto source = context_.sources.find_peer(peer);
    if (!source) return;
    const auto now = context_.loop.now();
    if (seeks_.size() + digests.size() > max_seeks)
        std::erase_if(seeks_, [now](const auto& item) { return item.second.back().asked < now - crowd_memory; });
    for (const auto& digest : digests) {
        listeners_.sought(digest);
        if (const auto want = transfers_.want_of(digest)) {
            context_.board.crowd_until = now + crowd_memory;
            transfers_.note_holder(*want, *source);
            transfers_.find(*want)->sought(*source);
        }
        note_seek(*source, digest);
    }
}

void CrowdEar::note_seek(plan::SourceId peer, const Digest& digest) {
    const auto now = context_.loop.now();
    if (seeks_.size() >= max_seeks && seeks_.count(digest) == 0) return;
    auto& seekers = seeks_[digest];
    std::erase_if(seekers, [&](const Seek& seek) { return seek.peer == peer || seek.asked < now - crowd_memory; });
    if (seekers.size() < max_seekers) seekers.push_back({peer, now});
}

void CrowdEar::join(plan::WantId want, Transfer& transfer) {
    auto& board = context_.board;
    const auto now = context_.loop.now();
    const auto seeks = seeks_.extract(transfer.target().digest);
    for (const auto& seek : seeks ? seeks.mapped() : std::vector<Seek>{})
        if (seek.asked >= now - crowd_memory && board.sources.count(seek.peer) != 0) {
            board.crowd_until = now + crowd_memory;
            transfers_.note_holder(want, seek.peer);
            transfer.sought(seek.peer);
        }
    const bool asks_cross = board.crowd_until > now && board.wants.at(want).is_small();
    const bool neighbour = plan::waits_for_neighbour(board, board.wants.at(want), now);
    if (!asks_cross && !neighbour) return;
    context_.loop.after(look_around, lifetime_.guard([this, want, neighbour] {
        if (neighbour) note_missed(want);
        context_.replan();
    }));
}

void CrowdEar::note_missed(plan::WantId want) {
    const auto at = context_.board.wants.find(want);
    if (at == context_.board.wants.end() || !at->second.peers.empty()) return;
    for (auto& [id, source] : context_.board.sources)
        if (source.role == plan::Role::lan_peer) ++source.missed;
}

}  // namespace packswarm::broker
