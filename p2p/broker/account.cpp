// What the broker tells of its work: what is under way.
#include "p2p/broker/broker.hpp"

namespace packswarm::broker {

std::vector<LiveTransfer> Broker::live() const {
    std::vector<LiveTransfer> out;
    for (const auto& [id, live] : live_) {
        const auto* asker = live.askers.empty() ? nullptr : askers_.find(live.askers.front());
        LiveTransfer row;
        row.name = live.transfer->target().name;
        row.digest = live.transfer->target().digest;
        row.size = live.transfer->target().size;
        row.received = live.transfer->received();
        row.sources = live.transfer->shares();
        if (asker != nullptr) {
            row.asker = asker->request.asker;
            row.seconds = seconds_between(asker->started, loop_.now());
        }
        out.push_back(std::move(row));
    }
    return out;
}

}  // namespace packswarm::broker
