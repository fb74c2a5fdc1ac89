// LoopSide: the room on the loop's thread: who waits for which answer. ToLoop: how the network thread tells it
// something. Not here: anything of libtorrent. LoopSide: the loop's thread; ToLoop: any thread. After LoopSide is gone
// nothing arrives.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <unordered_map>

#include "p2p/base/limits.hpp"
#include "p2p/broker/ports/answers.hpp"
#include "p2p/broker/ports/channel.hpp"
#include "p2p/broker/ports/peer_views.hpp"
#include "p2p/broker/ports/torrents.hpp"
#include "p2p/swarm/acquaintances.hpp"
#include "p2p/swarm/discovery_view.hpp"

namespace packswarm::swarm {

class LoopSide {
  public:
    LoopSide(Loop& loop, broker::PeerMemory* memory) : acquaintances_(loop, memory) {}

    Acquaintances& acquaintances() { return acquaintances_; }
    const DiscoveryView& discovery() const { return discovery_; }
    void set_observer(broker::PeerObserver* observer) { observer_ = observer; }
    std::vector<broker::PeerView> view() const;

    broker::FetchId expect(broker::GetEvents events);
    broker::JoinId expect(broker::JoinEvents events);
    bool forget(broker::FetchId fetch) { return gets_.erase(fetch) > 0; }
    bool leave(broker::JoinId join, Task left);  // false: it is not a join, or was left before

    void peer_up(broker::PeerView view);       // new, or in more lineages than before
    void peer_changed(broker::PeerView view);  // counters
    void peer_down(broker::PeerId peer);
    void offers(std::vector<broker::PeerOffer> offers);
    void lends(const broker::PeerLoan& loan);
    void seeks(broker::PeerId peer, const std::vector<Digest>& digests);
    void snapshot(const broker::PeerSnapshot& snapshot);
    void data(broker::FetchId fetch, ByteCount offset, Bytes bytes);
    void done(broker::FetchId fetch, Result<void> result);
    void piece_done(broker::JoinId join, std::size_t piece, broker::PeerId from);
    void piece_wrong(broker::JoinId join, std::size_t piece);
    void ended(broker::JoinId join, Result<void> result);
    void left(broker::JoinId join);
    void discovered(DiscoveryView view) { discovery_ = std::move(view); }
    // Who is around in each lineage. What was entered and not told of yet has its first round still before it.
    void entered(const core::Lineage& lineage) { around_[lineage] = {0, 0, false}; }
    void departed(const core::Lineage& lineage) { around_.erase(lineage); }
    void around(const std::map<core::Lineage, broker::Company>& told);
    broker::Company company(const core::Lineage& lineage) const;

  private:
    std::shared_ptr<broker::JoinEvents> find(broker::JoinId join) const;

    Acquaintances acquaintances_;
    DiscoveryView discovery_;
    std::map<core::Lineage, broker::Company> around_;  // of those that this agent is in
    broker::PeerObserver* observer_ = nullptr;
    std::map<broker::PeerId, broker::PeerView> peers_;
    std::unordered_map<broker::FetchId, std::shared_ptr<broker::GetEvents>> gets_;
    std::unordered_map<broker::JoinId, std::shared_ptr<broker::JoinEvents>> joins_;
    std::unordered_map<broker::JoinId, Task> leaving_;
    std::uint64_t last_id_ = 0;
};

class ToLoop {
  public:
    // drained runs on the loop's thread when the unread bytes have fallen below half of limits::max_unread.
    ToLoop(Loop& loop, std::weak_ptr<LoopSide> side, Task drained)
        : loop_(&loop), side_(std::move(side)), drained_(std::move(drained)) {}

    void tell(std::function<void(LoopSide&)> what) const;
    void tell_data(ByteCount bytes,
                   std::function<void(LoopSide&)> what) const;  // and counts bytes as unread until it has run
    bool congested() const { return unread_->load() > limits::max_unread; }

  private:
    Loop* loop_;
    std::weak_ptr<LoopSide> side_;
    std::shared_ptr<std::atomic<ByteCount>> unread_ = std::make_shared<std::atomic<ByteCount>>(0);
    Task drained_;
};

}  // namespace packswarm::swarm
