#include "p2p/store/ledger.hpp"

#include <memory>
#include <utility>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/base/own_files.hpp"
#include "p2p/store/database.hpp"
#include "p2p/store/floor_book.hpp"
#include "p2p/store/write_behind.hpp"

namespace packswarm::store {

namespace {

constexpr const char* ledger_migrations[] = {
    "CREATE TABLE floors (lineage TEXT PRIMARY KEY, date INTEGER NOT NULL, root BLOB NOT NULL);"
    "CREATE TABLE mirrors (base TEXT PRIMARY KEY, first_byte_s REAL, first_byte_dev_s REAL, rate REAL, samples INTEGER,"
    " failures_in_row INTEGER, absent INTEGER, corrupt INTEGER, errors INTEGER, good INTEGER, absent_in_row INTEGER,"
    " back_at INTEGER, ranges INTEGER);"
    "CREATE TABLE transfers (id INTEGER PRIMARY KEY AUTOINCREMENT, txn TEXT NOT NULL, asker TEXT NOT NULL, name TEXT "
    "NOT NULL,"
    " digest BLOB, size INTEGER NOT NULL, started INTEGER NOT NULL, seconds REAL NOT NULL, outcome TEXT NOT NULL,"
    " reasons TEXT NOT NULL);"
    "CREATE INDEX transfers_by_txn ON transfers (txn);"
    "CREATE TABLE shares (transfer INTEGER NOT NULL REFERENCES transfers ON DELETE CASCADE, kind TEXT NOT NULL,"
    " source TEXT NOT NULL, bytes INTEGER NOT NULL, wasted INTEGER NOT NULL);"
    "CREATE INDEX shares_by_transfer ON shares (transfer);"
    "CREATE TABLE totals (kind TEXT PRIMARY KEY, bytes INTEGER NOT NULL, wasted INTEGER NOT NULL);"
    "CREATE TABLE sent (month TEXT PRIMARY KEY, bytes INTEGER NOT NULL);",
    "CREATE TABLE peers (lineage TEXT NOT NULL, endpoint TEXT NOT NULL, last_seen INTEGER NOT NULL, received INTEGER "
    "NOT NULL,"
    " failures INTEGER NOT NULL, PRIMARY KEY (lineage, endpoint));",
    "ALTER TABLE sent ADD COLUMN near INTEGER NOT NULL DEFAULT 0",
    "CREATE TABLE sightings (address TEXT NOT NULL, file BLOB NOT NULL, content BLOB NOT NULL, bundle BLOB NOT NULL,"
    " product BLOB NOT NULL, date INTEGER NOT NULL, modified INTEGER, confirmed INTEGER NOT NULL, PRIMARY KEY "
    "(address, file))",
    "ALTER TABLE sightings RENAME TO sightings_before;"
    "CREATE TABLE sightings (address TEXT NOT NULL, file BLOB NOT NULL, content BLOB NOT NULL, bundle BLOB NOT NULL,"
    " product BLOB NOT NULL, date INTEGER NOT NULL, modified INTEGER, confirmed INTEGER NOT NULL, UNIQUE "
    "(address, file, modified));"
    "INSERT INTO sightings SELECT * FROM sightings_before ORDER BY rowid;"
    "DROP TABLE sightings_before",
};

constexpr std::size_t records_between_trims = 128;

std::string joined(const std::vector<std::string>& reasons) {
    std::string out;
    for (std::size_t i = 0; i < std::min(reasons.size(), limits::max_reasons); ++i)
        out += (i > 0 ? "\n" : "") + printable(reasons[i], limits::max_reason);
    return out;
}

Result<void> insert(Database& database, const broker::TransferRecord& transfer) {
    std::optional<Blob> digest;
    if (transfer.digest) digest = Blob{transfer.digest->raw()};
    auto added = database.statement("INSERT INTO transfers VALUES (NULL,?,?,?,?,?,?,?,?,?)")
                     .bind(transfer.transaction, transfer.asker, transfer.name, digest, transfer.size,
                           seconds_of(transfer.started), transfer.seconds,
                           printable(transfer.outcome, limits::max_reason), joined(transfer.reasons))
                     .run();
    for (const auto& share : transfer.sources) {
        const auto kind = broker::to_string(share.kind);
        if (added)
            added = database.statement("INSERT INTO shares VALUES ((SELECT MAX(id) FROM transfers),?,?,?,?)")
                        .bind(kind, share.source, share.bytes, share.wasted)
                        .run();
        if (added)
            added = database
                        .statement(
                            "INSERT INTO totals VALUES (?1,?2,?3) ON CONFLICT (kind) DO"
                            " UPDATE SET bytes=bytes+?2, wasted=wasted+?3")
                        .bind(kind, share.bytes, share.wasted)
                        .run();
    }
    return added;
}

}  // namespace

Ledger::Ledger(const LedgerSettings& settings, std::shared_ptr<WriteBehind> writer, std::unique_ptr<Database> database,
               std::unique_ptr<FloorBook> floors)
    : settings_(settings),
      writer_(std::move(writer)),
      database_(std::move(database)),
      floors_(std::move(floors)),
      sent_(read_sent(*database_)) {}

Ledger::~Ledger() { writer_->catch_up(); }

Result<std::unique_ptr<Ledger>> Ledger::open(const LedgerSettings& settings) {
    const auto folder = real_folder(settings.folder);
    if (!folder) return tl::unexpected(folder.error());
    const auto path = *folder / "ledger.db";
    auto writing = Database::open(path, ledger_migrations);
    if (!writing) return tl::unexpected(writing.error());
    auto reading = Database::open_reading(path);
    if (!reading) return tl::unexpected(reading.error());
    auto writer = std::make_shared<WriteBehind>(std::move(*writing), path, settings.workers);
    auto floors = FloorBook::open(writer, *folder / "floors.txt", settings.workers);
    if (!floors) return tl::unexpected(floors.error());
    return std::unique_ptr<Ledger>(new Ledger(settings, std::move(writer), std::move(*reading), std::move(*floors)));
}

Database& Ledger::reading() {
    writer_->catch_up();
    return *database_;
}

std::vector<broker::Floor> Ledger::floors() {
    std::vector<broker::Floor> out;
    for (const auto& [name, floor] : floors_->all()) out.push_back(floor);
    return out;
}

void Ledger::raise_floors(std::vector<broker::Floor> floors, broker::Then<void> then) {
    floors_->raise(std::move(floors), std::move(then));
}

Result<void> Ledger::reset_floor(const core::FloorName& name) { return floors_->reset(name); }

const std::string& Ledger::what_was_set_aside() const { return floors_->what_was_set_aside(); }

// ---- Mirrors

std::vector<std::pair<std::string, core::MirrorHealth>> Ledger::mirror_health() {
    std::vector<std::pair<std::string, core::MirrorHealth>> out;
    auto query = reading().statement(
        "SELECT base, first_byte_s, first_byte_dev_s, rate, samples, failures_in_row, absent, corrupt, errors, good,"
        " absent_in_row, back_at, ranges FROM mirrors ORDER BY base");
    while (query.step().value_or(false)) {
        auto& [base, health] = out.emplace_back();
        base = query.bytes(0);
        health.first_byte_s = query.real(1);
        health.first_byte_dev_s = query.real(2);
        health.rate = query.real(3);
        int* const counts[] = {&health.samples,      &health.failures_in_row, &health.absent,
                               &health.corrupt,      &health.errors,          &health.good,
                               &health.absent_in_row};
        for (int i = 0; i < 7; ++i) *counts[i] = static_cast<int>(query.integer(4 + i));
        if (!query.null(11)) health.back_at = WallTime(Seconds(query.integer(11)));
        health.ranges = query.integer(12) != 0;
    }
    return out;
}

void Ledger::save_mirror_health(const std::string& base, const core::MirrorHealth& health) {
    writer_->later(fmt::format("the health of {} is not kept", printable(base)), [base, health](Database& database) {
        std::optional<std::int64_t> back_at;
        if (health.back_at) back_at = seconds_of(*health.back_at);
        return database.statement("INSERT OR REPLACE INTO mirrors VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)")
            .bind(base, health.first_byte_s, health.first_byte_dev_s, health.rate, health.samples,
                  health.failures_in_row, health.absent, health.corrupt, health.errors, health.good,
                  health.absent_in_row, back_at, int{health.ranges})
            .run();
    });
}

// ---- Transfers

void Ledger::record(const broker::TransferRecord& transfer) {
    writer_->later("a transfer is not kept", [transfer](Database& database) { return insert(database, transfer); });
    if (++records_since_trim_ >= records_between_trims) forget_oldest();
}

void Ledger::forget_oldest() {
    records_since_trim_ = 0;
    const auto most = static_cast<std::int64_t>(settings_.max_transfers);
    writer_->later("old transfers are not forgotten", [most](Database& database) {
        return database.statement("DELETE FROM transfers WHERE id <= (SELECT MAX(id) FROM transfers) - ?")
            .bind(most)
            .run();
    });
}

}  // namespace packswarm::store
