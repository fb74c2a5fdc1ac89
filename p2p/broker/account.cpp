// What the broker tells of its work: lines for the ledger, and what is under way.
#include "p2p/base/log.hpp"
#include "p2p/broker/broker.hpp"

namespace packswarm::broker {

void Broker::record(const Asker& asker, const std::string& outcome, const std::optional<Digest>& digest, ByteCount size,
                    std::vector<SourceShare> sources, const std::vector<std::string>& reasons) {
    TransferRecord row;
    row.transaction = asker.request.transaction;
    row.asker = asker.request.asker;
    const auto url = Url::parse(asker.request.url);
    row.name = url ? url->path : "an unreadable address";
    row.digest = digest && *digest != Digest{} ? digest : std::nullopt;
    row.size = size;
    row.started = asker.wall;
    row.seconds = seconds_between(asker.started, loop_.now());
    row.outcome = outcome;
    row.sources = std::move(sources);
    row.reasons = reasons;
    ledger_.record(row);
}

std::vector<LiveTransfer> Broker::live() const {
    std::vector<LiveTransfer> out;
    for (const auto& [id, live] : live_) {
        const auto asker = live.askers.empty() ? requests_.end() : requests_.find(live.askers.front());
        LiveTransfer row;
        row.name = live.transfer->target().name;
        row.digest = live.transfer->target().digest;
        row.size = live.transfer->target().size;
        row.received = live.transfer->received();
        row.sources = live.transfer->shares();
        if (asker != requests_.end()) {
            row.asker = asker->second.request.asker;
            row.seconds = seconds_between(asker->second.started, loop_.now());
        }
        out.push_back(std::move(row));
    }
    return out;
}

// Nobody wants it any more: what it brought, and what is not kept for the next who asks, is counted all the same.
void Broker::write_off(const Asker& asker, const Transfer& transfer) {
    auto lost = transfer.for_nothing();
    if (lost.empty()) return;
    const auto& target = transfer.target();
    record(asker, "given up by its asker", target.digest, target.size, std::move(lost), transfer.reasons());
}

}  // namespace packswarm::broker
