// PeerQuestions: what peers are asked for, gathered: one question for each lineage and audience when the loop comes
// round. Not here: what they answer (crowd_ear.hpp). Loop's thread.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "p2p/base/lifetime.hpp"
#include "p2p/base/loop.hpp"
#include "p2p/broker/ports/peers.hpp"

namespace packswarm::broker {

class PeerQuestions {
  public:
    PeerQuestions(Loop& loop, Peers& peers) : loop_(loop), peers_(peers) {}
    PeerQuestions(const PeerQuestions&) = delete;
    PeerQuestions& operator=(const PeerQuestions&) = delete;

    void ask(const core::Lineage& lineage, const Digest& digest, core::Audience whom);

  private:
    Loop& loop_;
    Peers& peers_;
    std::map<std::pair<core::Lineage, core::Audience>, std::vector<Digest>> to_ask_;  // and whom
    bool is_due_ = false;
    Lifetime lifetime_;
};

}  // namespace packswarm::broker
