#include "p2p/broker/desks/peer_questions.hpp"

namespace packswarm::broker {

void PeerQuestions::ask(const core::Lineage& lineage, const Digest& digest, core::Audience whom) {
    if (whom == core::Audience::nobody) return;
    to_ask_[{lineage, whom}].push_back(digest);
    if (is_due_) return;
    is_due_ = true;
    loop_.post(lifetime_.guard([this] {
        is_due_ = false;
        for (auto& [to, digests] : to_ask_) peers_.ask(to.first, std::move(digests), to.second);
        to_ask_.clear();
    }));
}

}  // namespace packswarm::broker
