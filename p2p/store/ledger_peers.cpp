#include "p2p/store/floor_book.hpp"
#include "p2p/store/ledger.hpp"
#include "p2p/store/write_behind.hpp"

namespace packswarm::store {

std::vector<core::KnownPeer> Ledger::known_peers() {
    std::vector<core::KnownPeer> out;
    auto query = reading().statement(
        "SELECT lineage, endpoint, last_seen, received, failures FROM peers ORDER BY lineage, endpoint");
    while (query.step().value_or(false))
        if (auto lineage = core::Lineage::parse(query.bytes(0)))
            out.push_back({std::move(*lineage), query.bytes(1), WallTime(Seconds(query.integer(2))), query.integer(3),
                           static_cast<int>(query.integer(4))});
    return out;
}

void Ledger::update_peers(const core::PeerBook::Changes& changes) {
    if (changes.kept.empty() && changes.dropped.empty()) return;
    writer_->later("the peers met are not kept", [changes](Database& database) -> Result<void> {
        for (const auto& peer : changes.dropped) {
            auto gone = database.statement("DELETE FROM peers WHERE lineage=? AND endpoint=?")
                            .bind(peer.lineage.name(), peer.endpoint)
                            .run();
            if (!gone) return gone;
        }
        for (const auto& peer : changes.kept) {
            auto kept = database.statement("INSERT OR REPLACE INTO peers VALUES (?,?,?,?,?)")
                            .bind(peer.lineage.name(), peer.endpoint, peer.last_seen.time_since_epoch().count(),
                                  peer.received, peer.failures)
                            .run();
            if (!kept) return kept;
        }
        return {};
    });
}

}  // namespace packswarm::store
