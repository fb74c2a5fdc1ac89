#include "p2p/store/ledger.hpp"

#include <memory>
#include <utility>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/base/own_files.hpp"
#include "p2p/store/database.hpp"
#include "p2p/store/floor_file.hpp"

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

}  // namespace

Ledger::Ledger(const LedgerSettings& settings, std::unique_ptr<Database> database,
               std::unique_ptr<FloorFile> floor_file)
    : settings_(settings), database_(std::move(database)), floor_file_(std::move(floor_file)) {}

Ledger::~Ledger() = default;

Result<std::unique_ptr<Ledger>> Ledger::open(const LedgerSettings& settings) {
    const auto folder = real_folder(settings.folder);
    if (!folder) return tl::unexpected(folder.error());
    auto database = Database::open(*folder / "ledger.db", ledger_migrations);
    if (!database) return tl::unexpected(database.error());
    auto floor_file = std::make_unique<FloorFile>(*folder / "floors.txt");
    std::unique_ptr<Ledger> ledger(new Ledger(settings, std::move(*database), std::move(floor_file)));
    if (auto merged = ledger->merge_floors(); !merged) return tl::unexpected(merged.error());
    if (settings.workers != nullptr) ledger->leave_log_to(*settings.workers, *folder / "ledger.db");
    return ledger;
}

void Ledger::leave_log_to(Workers& workers, const std::filesystem::path& real) {
    const auto is_busy = std::make_shared<bool>(false);  // the loop's
    database_->leave_log([&workers, is_busy, path = real] {
        if (std::exchange(*is_busy, true)) return;
        workers.run([is_busy, path]() -> Task {
            const auto done = Database::checkpoint(path);
            if (!done) spdlog::warn("ledger: its log stays long: {}", done.error().message);
            return [is_busy] { *is_busy = false; };
        });
    });
}

// ---- Floors

Result<Floors> Ledger::floor_rows() {
    Floors out;
    auto query = database_->statement("SELECT lineage, date, root FROM floors");
    for (;;) {
        const auto more = query.step();
        if (!more) return tl::unexpected(more.error());
        if (!*more) return out;
        const auto root = query.bytes(2);
        if (root.size() != Digest::size) continue;
        const broker::Floor row{query.bytes(0), WallTime(Seconds(query.integer(1))), Digest::from_raw(root.data())};
        out[row.lineage] = row;
    }
}

// The higher of table and text counts, so that neither a lost file nor an old copy of one lowers a floor.
Result<void> Ledger::merge_floors() {
    auto rows = floor_rows();
    if (!rows) return tl::unexpected(rows.error());
    auto text = floor_file_->read();
    if (!text.problem.empty()) text.floors = set_text_aside(text, *rows);
    floors_ = text.floors;
    bool text_behind = !text.problem.empty() && !floors_.empty();
    for (const auto& [lineage, row] : *rows) {
        const auto known = floors_.find(lineage);
        if (known != floors_.end() && known->second.date >= row.date) continue;
        floors_[lineage] = row;
        text_behind = true;
    }
    if (!text_behind) return {};
    if (auto written = floor_file_->write(floors_); !written)
        spdlog::error("ledger: the floors are not written to their file: {}", written.error().message);
    return {};
}

// What still counts of a damaged text: nothing beside a good table. Where there is none, the lines that can be read,
// but no date that is still to come, which would refuse every index.
Floors Ledger::set_text_aside(const FloorText& text, const Floors& rows) {
    Floors rest = rows.empty() ? text.floors : Floors{};
    const auto now = std::chrono::system_clock::now();
    std::erase_if(rest, [now](const auto& item) { return item.second.date > now; });
    const auto& path = floor_file_->path();
    const auto aside = set_aside(path);
    const auto what = !rows.empty()   ? std::string("those of the ledger count")
                      : !rest.empty() ? fmt::format("{} of its lines count", rest.size())
                                      : std::string("none are known now");
    set_aside_ =
        fmt::format("the floors in {} cannot be relied on ({}): {}; it is {}", path.string(), text.problem, what,
                    aside ? "kept as " + aside->filename().string() : "left there (" + aside.error().message + ")");
    spdlog::error("ledger: {}", set_aside_);
    return rest;
}

std::vector<broker::Floor> Ledger::floors() {
    std::vector<broker::Floor> out;
    for (const auto& [lineage, floor] : floors_) out.push_back(floor);
    return out;
}

Result<void> Ledger::raise_floor(const broker::Floor& floor) {
    if (floor.lineage.empty() || floor.lineage.find('\n') != std::string::npos)
        return fail(ErrorKind::Refused, "no lineage has the name '{}'", printable(floor.lineage));
    const auto known = floors_.find(floor.lineage);
    if (known != floors_.end() && floor.date < known->second.date) return {};
    if (known != floors_.end() && floor.date == known->second.date && floor.root == known->second.root) return {};
    auto raised = floors_;
    raised[floor.lineage] = floor;
    const auto text = floor_file_->write(raised);
    const auto row = write_floor_row(floor);
    for (const auto* written : {&text, &row})
        if (!*written) spdlog::error("ledger: one of two copies of a floor failed: {}", written->error().message);
    if (!text && !row) return text;
    floors_ = std::move(raised);
    return {};
}

Result<void> Ledger::write_floor_row(const broker::Floor& floor) {
    if (auto set = database_->set_sync(Sync::full); !set) return set;
    auto written = database_->statement("INSERT OR REPLACE INTO floors VALUES (?,?,?)")
                       .bind(floor.lineage, seconds_of(floor.date), Blob{floor.root.raw()})
                       .run();
    const auto set_back = database_->set_sync(Sync::normal);
    return written ? set_back : written;
}

Result<void> Ledger::reset_floor(const std::string& lineage) {
    auto lowered = floors_;
    if (lowered.erase(lineage) == 0) return fail(ErrorKind::Absent, "no floor is known for {}", printable(lineage));
    spdlog::warn("the owner allows older indexes of {} again", printable(lineage));
    if (auto gone = database_->statement("DELETE FROM floors WHERE lineage=?").bind(lineage).run(); !gone) return gone;
    if (auto written = floor_file_->write(lowered); !written) return written;
    floors_ = std::move(lowered);
    return {};
}

// ---- Mirrors

std::vector<std::pair<std::string, core::MirrorHealth>> Ledger::mirror_health() {
    std::vector<std::pair<std::string, core::MirrorHealth>> out;
    auto query = database_->statement(
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
    std::optional<std::int64_t> back_at;
    if (health.back_at) back_at = seconds_of(*health.back_at);
    auto saved = database_->statement("INSERT OR REPLACE INTO mirrors VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)")
                     .bind(base, health.first_byte_s, health.first_byte_dev_s, health.rate, health.samples,
                           health.failures_in_row, health.absent, health.corrupt, health.errors, health.good,
                           health.absent_in_row, back_at, int{health.ranges})
                     .run();
    if (!saved) spdlog::error("ledger: the health of {} is not kept: {}", printable(base), saved.error().message);
}

// ---- Transfers

void Ledger::record(const broker::TransferRecord& transfer) {
    auto done = database_->transaction([&] { return insert(transfer); });
    if (!done) spdlog::error("ledger: a transfer is not kept: {}", done.error().message);
    if (++records_since_trim_ >= records_between_trims) forget_oldest();
}

Result<void> Ledger::insert(const broker::TransferRecord& transfer) {
    std::optional<Blob> digest;
    if (transfer.digest) digest = Blob{transfer.digest->raw()};
    auto added = database_->statement("INSERT INTO transfers VALUES (NULL,?,?,?,?,?,?,?,?,?)")
                     .bind(transfer.transaction, transfer.asker, transfer.name, digest, transfer.size,
                           seconds_of(transfer.started), transfer.seconds,
                           printable(transfer.outcome, limits::max_reason), joined(transfer.reasons))
                     .run();
    for (const auto& share : transfer.sources) {
        const auto kind = broker::to_string(share.kind);
        if (added)
            added = database_->statement("INSERT INTO shares VALUES ((SELECT MAX(id) FROM transfers),?,?,?,?)")
                        .bind(kind, share.source, share.bytes, share.wasted)
                        .run();
        if (added)
            added = database_
                        ->statement(
                            "INSERT INTO totals VALUES (?1,?2,?3) ON CONFLICT (kind) DO"
                            " UPDATE SET bytes=bytes+?2, wasted=wasted+?3")
                        .bind(kind, share.bytes, share.wasted)
                        .run();
    }
    return added;
}

void Ledger::forget_oldest() {
    records_since_trim_ = 0;
    auto done = database_->statement("DELETE FROM transfers WHERE id <= (SELECT MAX(id) FROM transfers) - ?")
                    .bind(static_cast<std::int64_t>(settings_.max_transfers))
                    .run();
    if (!done) spdlog::error("ledger: old transfers cannot be forgotten: {}", done.error().message);
}

}  // namespace packswarm::store
