// CrowdEar: hears what peers tell, and passes on to each live transfer what concerns it: who offers, lends or seeks its
// artifact, who has come and gone. Remembers for a few seconds who sought what we may want next. Not here: asking peers
// (peer_questions.hpp). Loop's thread.
#pragma once

#include <functional>
#include <unordered_map>
#include <vector>

#include "p2p/base/lifetime.hpp"
#include "p2p/broker/desks/live_transfers.hpp"
#include "p2p/broker/ports/peer_views.hpp"
#include "p2p/broker/transfer/transfer_context.hpp"

namespace packswarm::broker {

class CrowdEar final : public PeerObserver {
  public:
    // Who else wants to know.
    struct Listeners {
        std::function<void(PeerId)> down;
        std::function<void(const PeerOffer&)> offered;
        std::function<void(const Digest&)> sought;
        std::function<void(const PeerSnapshot&)> snapshot;
    };
    CrowdEar(TransferContext& context, LiveTransfers& transfers, Listeners listeners)
        : context_(context), transfers_(transfers), listeners_(std::move(listeners)) {}
    CrowdEar(const CrowdEar&) = delete;
    CrowdEar& operator=(const CrowdEar&) = delete;

    // A transfer has begun: it hears who wanted the same before, and the planner looks around before it asks mirrors
    // for something that a crowd is after or a neighbour may have.
    void join(plan::WantId want, Transfer& transfer);

    void peer_up(const PeerView& peer) override;
    void peer_down(PeerId peer) override;
    void peer_offers(std::vector<PeerOffer> offers) override;
    void peer_lends(const PeerLoan& loan) override;
    void peer_seeks(PeerId peer, const std::vector<Digest>& digests) override;
    void peer_snapshot(const PeerSnapshot& snapshot) override { listeners_.snapshot(snapshot); }

  private:
    struct Seek {
        plan::SourceId peer{};
        TimePoint asked{};
    };
    void note_seek(plan::SourceId peer, const Digest& digest);
    void note_missed(plan::WantId want);

    TransferContext& context_;
    LiveTransfers& transfers_;
    const Listeners listeners_;
    std::unordered_map<Digest, std::vector<Seek>> seeks_;  // of the last seconds
    Lifetime lifetime_;
};

}  // namespace packswarm::broker
