// Peers for tests of what stands above them: nobody is there, and everything that was asked or offered is remembered.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "p2p/broker/ports/answers.hpp"
#include "p2p/broker/ports/peers.hpp"

namespace packswarm::test {

class RecordingPeers final : public broker::Peers {
  public:
    std::vector<broker::LineageState> lineages;
    std::set<std::pair<core::Lineage, Digest>> asked, lent;  // with the lineage that was named
    std::map<Digest, core::Lineage> shelf;                   // offered and not withdrawn, and in which lineage
    std::size_t largest_offer = 0;
    core::Audience audience = core::Audience::everybody;
    ByteCount each_network = 0;
    std::set<Digest> told_strangers;
    broker::Giving given;
    broker::PeerObserver* observer = nullptr;

    std::set<core::Lineage> swarms() const {
        std::set<core::Lineage> out;
        for (const auto& state : lineages) out.insert(state.lineage);
        return out;
    }

    void set_observer(broker::PeerObserver* one) override { observer = one; }
    void set_lineages(std::vector<broker::LineageState> all) override { lineages = std::move(all); }
    void ask(const core::Lineage& lineage, std::vector<Digest> digests, core::Audience whom) override {
        for (const auto& digest : digests) asked.emplace(lineage, digest);
        if (whom == core::Audience::everybody) told_strangers.insert(digests.begin(), digests.end());
    }
    std::function<broker::FetchId(broker::PeerId, const Digest&, ByteRange, broker::GetEvents)> on_get;
    broker::FetchId get(broker::PeerId peer, const Digest& digest, ByteRange range, broker::GetEvents events) override {
        return on_get ? on_get(peer, digest, range, std::move(events)) : broker::FetchId::none;
    }
    void cancel(broker::FetchId) override {}
    broker::JoinId join(broker::Join, broker::JoinEvents) override { return broker::JoinId::none; }
    void add_peer(broker::JoinId, broker::PeerId) override {}
    void claim(broker::JoinId, std::size_t, std::size_t) override {}
    void unclaim(broker::JoinId, std::size_t, std::size_t) override {}
    void feed(broker::JoinId, std::size_t, Bytes) override {}
    void leave(broker::JoinId, Task left) override { left(); }
    void lend(const Digest& digest, const StagedFile&, const core::Lineage& lineage) override {
        lent.emplace(lineage, digest);
    }
    void lend_piece(const Digest&, std::size_t) override {}
    void end_loan(const Digest&, Outcome) override {}
    plan::AgentKey key() const override { return 0; }
    std::vector<broker::PeerId> blamed;
    void blame(broker::PeerId peer, broker::Blame) override { blamed.push_back(peer); }
    std::vector<broker::PeerView> view() const override { return {}; }
    broker::Company around;  // of every lineage
    broker::Company company(const core::Lineage&) const override { return around; }
    void offer(const core::Lineage& lineage, std::vector<StoredMark> files) override {
        largest_offer = std::max(largest_offer, files.size());
        for (const auto& file : files) shelf[file.digest()] = lineage;
    }
    void withdraw(std::vector<Digest> digests) override {
        for (const auto& digest : digests) shelf.erase(digest);
    }
    void give_to(core::Audience to, ByteCount each) override {
        audience = to;
        each_network = each;
    }
    broker::Giving giving() const override { return given; }
};

}  // namespace packswarm::test
