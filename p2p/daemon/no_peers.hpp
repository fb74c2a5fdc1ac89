// NoPeers: broker::Peers for an agent whose owner switched the swarm off. Nobody is asked, nothing is offered.
#pragma once

#include "p2p/broker/ports/answers.hpp"
#include "p2p/broker/ports/peers.hpp"

namespace packswarm::daemon {

class NoPeers final : public broker::Peers {
  public:
    void set_observer(broker::PeerObserver*) override {}
    void set_lineages(std::vector<broker::LineageState>) override {}
    void ask(const core::Lineage&, std::vector<Digest>, core::Audience) override {}
    broker::FetchId get(broker::PeerId, const Digest&, ByteRange, broker::GetEvents) override {
        return broker::FetchId::none;
    }
    void cancel(broker::FetchId) override {}
    broker::JoinId join(broker::Join, broker::JoinEvents) override { return broker::JoinId::none; }
    void add_peer(broker::JoinId, broker::PeerId) override {}
    void claim(broker::JoinId, std::size_t, std::size_t) override {}
    void unclaim(broker::JoinId, std::size_t, std::size_t) override {}
    void feed(broker::JoinId, std::size_t, Bytes) override {}
    void leave(broker::JoinId, Task left) override { left(); }
    void lend(const Digest&, const StagedFile&, const core::Lineage&) override {}
    void lend_piece(const Digest&, std::size_t) override {}
    void end_loan(const Digest&, Outcome) override {}
    plan::AgentKey key() const override { return 0; }
    void blame(broker::PeerId, broker::Blame) override {}
    std::vector<broker::PeerView> view() const override { return {}; }
    broker::Company company(const core::Lineage&) const override { return {}; }
    void offer(const core::Lineage&, std::vector<StoredMark>) override {}
    void withdraw(std::vector<Digest>) override {}
    void give_to(core::Audience, ByteCount) override {}
    broker::Giving giving() const override { return {}; }
};

}  // namespace packswarm::daemon
