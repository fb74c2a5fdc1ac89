// Ledger: what must outlive a restart: floors, roots seen, mirror health, peers met, transfers with sources and
// reasons, totals. Not here: the stored files and their table (Vault). Thread: the loop, which waits for the disk where
// it reads only (write_behind.hpp). Errors: Broken; a write that only feeds statistics logs. A damaged database is
// moved aside (ledger.db.damaged); floors survive that in a text file (floors.txt) merged at open.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "p2p/base/loop.hpp"
#include "p2p/broker/peer_memory.hpp"
#include "p2p/broker/ports/answers.hpp"
#include "p2p/broker/ports/ledger.hpp"

namespace packswarm::store {

class Database;
class FloorBook;
class WriteBehind;

struct LedgerSettings {
    std::filesystem::path folder;        // made when missing; holds ledger.db and floors.txt
    std::size_t max_transfers = 20'000;  // older ones are forgotten; totals are not
    Workers* workers = nullptr;          // wait for the disk instead of whoever writes; none: who writes waits
};

struct KindTotals {
    ByteCount bytes = 0;  // payload received, wasted bytes included
    ByteCount wasted = 0;
};
using Totals = std::map<broker::SourceKind, KindTotals>;

struct Sent {            // payload given to peers
    ByteCount far = 0;   // outside the local network: what a monthly quota counts
    ByteCount near = 0;  // neighbours
    friend bool operator==(const Sent&, const Sent&) = default;
};

struct TransactionSummary {
    std::string transaction, asker;
    WallTime started{};
    double seconds = 0;  // from the first transfer's start to the last one's end
    std::size_t files = 0, failed = 0;
    ByteCount bytes = 0;  // sizes of the files delivered
    Totals totals;
};

std::map<std::string, Sent> read_sent(Database& database);

class Ledger final : public broker::Ledger, public broker::PeerMemory {
  public:
    static Result<std::unique_ptr<Ledger>> open(const LedgerSettings& settings);
    ~Ledger() override;

    std::vector<broker::Floor> floors() override;
    void raise_floors(std::vector<broker::Floor> floors, broker::Then<void> then) override;
    Result<void> reset_floor(const core::FloorName& name);  // the owner's explicit override; logged
    const std::string& what_was_set_aside() const;          // of the floors at this start; empty: nothing
    std::vector<std::pair<std::string, core::MirrorHealth>> mirror_health() override;
    void save_mirror_health(const std::string& base, const core::MirrorHealth& health) override;
    void record(const broker::TransferRecord& transfer) override;
    std::vector<core::Sighting> sightings() override;
    void save_sighting(const core::Sighting& sighting) override;
    void forget_sighting(const core::Sighting& sighting) override;
    std::vector<core::KnownPeer> known_peers() override;
    void update_peers(const core::PeerBook::Changes& changes) override;
    void add_sent(const Sent& sent, WallTime when);

    // Newest first. text is a package's name, or else a part of a path, or a whole digest in hexadecimal.
    std::vector<broker::TransferRecord> transfers_named(const std::string& text, std::size_t limit) {
        return transfers_named(text, limit, limit, nullptr);
    }
    // Of the newest most_seen of them those that may be shown: sources are not read of the others.
    using MayShow = std::function<bool(const std::optional<Digest>&)>;
    std::vector<broker::TransferRecord> transfers_named(const std::string& text, std::size_t limit,
                                                        std::size_t most_seen, const MayShow& may_show);
    std::vector<broker::TransferRecord> transfers_of(const std::string& transaction, std::size_t limit);
    std::vector<broker::TransferRecord> recent_transfers(std::size_t limit);
    Totals totals();  // since the ledger began
    Totals totals_of(const std::string& transaction);
    std::vector<TransactionSummary> recent_transactions(std::size_t limit);
    Sent sent_in_month(WallTime when) const;                          // calendar month in UTC
    std::vector<std::pair<std::string, Sent>> sent_by_month() const;  // "2026-05", oldest first
    Sent sent() const;                                                // since the ledger began

  private:
    Ledger(const LedgerSettings& settings, std::shared_ptr<WriteBehind> writer, std::unique_ptr<Database> database,
           std::unique_ptr<FloorBook> floors);
    Database& reading();  // shows all that was written
    void forget_oldest();

    LedgerSettings settings_;
    std::shared_ptr<WriteBehind> writer_;
    std::unique_ptr<Database> database_;  // for reading
    std::unique_ptr<FloorBook> floors_;
    std::map<std::string, Sent> sent_;  // by month
    std::size_t records_since_trim_ = 0;
};

}  // namespace packswarm::store
