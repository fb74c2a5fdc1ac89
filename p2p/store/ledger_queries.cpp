#include <chrono>
#include <limits>

#include "p2p/base/log.hpp"
#include "p2p/store/database.hpp"
#include "p2p/store/floor_book.hpp"
#include "p2p/store/ledger.hpp"
#include "p2p/store/write_behind.hpp"

namespace packswarm::store {

namespace {

// The newest transfers first; where is a condition, "" for all.
std::string newest_transfers(const std::string& where) {
    return "SELECT id, txn, asker, name, digest, size, started, seconds, outcome, reasons FROM transfers " + where +
           " ORDER BY id DESC LIMIT ?";
}

std::vector<std::string> lines(const std::string& text) {
    std::vector<std::string> out;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find('\n', at), text.size());
        out.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return out;
}

broker::SourceKind source_kind(const std::string& text) {
    if (text == broker::to_string(broker::SourceKind::peer)) return broker::SourceKind::peer;
    if (text == broker::to_string(broker::SourceKind::cache)) return broker::SourceKind::cache;
    return broker::SourceKind::mirror;
}

// Reads rows to the end; an error ends it early and is logged: these answers are for people.
template <class Each>
void for_each_row(Statement& query, Each each) {
    for (;;) {
        const auto more = query.step();
        if (!more) spdlog::error("ledger: {}", more.error().message);
        if (!more || !*more) return;
        each();
    }
}

std::vector<broker::SourceShare> shares_of(Database& database, std::int64_t transfer) {
    std::vector<broker::SourceShare> out;
    auto query = database.statement("SELECT kind, source, bytes, wasted FROM shares WHERE transfer=? ORDER BY rowid");
    query.bind(transfer);
    for_each_row(query, [&] {
        out.push_back({source_kind(query.bytes(0)), query.bytes(1), query.integer(2), query.integer(3)});
    });
    return out;
}

std::vector<broker::TransferRecord> read_transfers(Database& database, Statement& query,
                                                   std::size_t limit = std::numeric_limits<std::size_t>::max(),
                                                   const Ledger::MayShow& may_show = nullptr) {
    std::vector<broker::TransferRecord> out;
    std::vector<std::int64_t> ids;
    for_each_row(query, [&] {
        if (out.size() >= limit) return;
        std::optional<Digest> of;
        if (const auto digest = query.bytes(4); digest.size() == Digest::size) of = Digest::from_raw(digest.data());
        if (may_show && !may_show(of)) return;
        ids.push_back(query.integer(0));
        auto& transfer = out.emplace_back();
        transfer.digest = of;
        transfer.transaction = query.bytes(1);
        transfer.asker = query.bytes(2);
        transfer.name = query.bytes(3);
        transfer.size = query.integer(5);
        transfer.started = WallTime(Seconds(query.integer(6)));
        transfer.seconds = query.real(7);
        transfer.outcome = query.bytes(8);
        transfer.reasons = lines(query.bytes(9));
    });
    for (std::size_t i = 0; i < out.size(); ++i) out[i].sources = shares_of(database, ids[i]);
    return out;
}

Totals read_totals(Statement& query) {
    Totals out;
    for_each_row(query, [&] { out[source_kind(query.bytes(0))] = {query.integer(1), query.integer(2)}; });
    return out;
}

// Every character stands for itself in a GLOB pattern.
std::string literal(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (c == '*' || c == '?' || c == '[')
            out += std::string("[") + c + "]";
        else
            out += c;
    }
    return out;
}

std::string month_of(WallTime when) {
    const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(when));
    return fmt::format("{:04d}-{:02d}", int{date.year()}, unsigned{date.month()});
}

}  // namespace

std::vector<broker::TransferRecord> Ledger::transfers_named(const std::string& text, std::size_t limit,
                                                            std::size_t most_seen, const MayShow& may_show) {
    const auto rows = static_cast<std::int64_t>(most_seen);
    Database& database = reading();
    if (const auto digest = Digest::parse(text)) {
        auto query = database.statement(newest_transfers("WHERE digest=?"));
        query.bind(Blob{digest->raw()}, rows);
        return read_transfers(database, query, limit, may_show);
    }
    {  // hello_2.10-3_amd64.deb, hello-2.12-1-x86_64.pkg.tar.zst: a package's name ends before its version
        auto query = database.statement(newest_transfers("WHERE '/' || name GLOB ? OR '/' || name GLOB ? OR name = ?"));
        query.bind("*/" + literal(text) + "_*", "*/" + literal(text) + "-[0-9]*", text, rows);
        if (auto found = read_transfers(database, query, limit, may_show); !found.empty()) return found;
    }
    auto query = database.statement(newest_transfers("WHERE instr(name, ?) > 0"));
    query.bind(text, rows);
    return read_transfers(database, query, limit, may_show);
}

std::vector<broker::TransferRecord> Ledger::transfers_of(const std::string& transaction, std::size_t limit) {
    Database& database = reading();
    auto query = database.statement(newest_transfers("WHERE txn=?"));
    query.bind(transaction, static_cast<std::int64_t>(limit));
    return read_transfers(database, query);
}

std::vector<broker::TransferRecord> Ledger::recent_transfers(std::size_t limit) {
    Database& database = reading();
    auto query = database.statement(newest_transfers(""));
    query.bind(static_cast<std::int64_t>(limit));
    return read_transfers(database, query);
}

Totals Ledger::totals() {
    auto query = reading().statement("SELECT kind, bytes, wasted FROM totals");
    return read_totals(query);
}

Totals Ledger::totals_of(const std::string& transaction) {
    auto query = reading().statement(
        "SELECT kind, SUM(bytes), SUM(wasted) FROM shares JOIN transfers ON transfers.id = transfer"
        " WHERE txn=? GROUP BY kind");
    query.bind(transaction);
    return read_totals(query);
}

std::vector<TransactionSummary> Ledger::recent_transactions(std::size_t limit) {
    std::vector<TransactionSummary> out;
    {
        auto query = reading().statement(
            "SELECT txn, MIN(asker), MIN(started), MAX(started + seconds) - MIN(started), COUNT(*), SUM(outcome <> "
            "'ok'),"
            " SUM(CASE WHEN outcome = 'ok' THEN size ELSE 0 END) FROM transfers GROUP BY txn ORDER BY MAX(id) DESC "
            "LIMIT ?");
        query.bind(static_cast<std::int64_t>(limit));
        for_each_row(query, [&] {
            out.push_back({query.bytes(0),
                           query.bytes(1),
                           WallTime(Seconds(query.integer(2))),
                           query.real(3),
                           static_cast<std::size_t>(query.integer(4)),
                           static_cast<std::size_t>(query.integer(5)),
                           query.integer(6),
                           {}});
        });
    }
    for (auto& summary : out) summary.totals = totals_of(summary.transaction);
    return out;
}

// ---- What was sent: a few rows, asked for each second

std::map<std::string, Sent> read_sent(Database& database) {
    std::map<std::string, Sent> out;
    auto query = database.statement("SELECT month, bytes, near FROM sent");
    for_each_row(query, [&] { out[query.bytes(0)] = {query.integer(1), query.integer(2)}; });
    return out;
}

void Ledger::add_sent(const Sent& sent, WallTime when) {
    const auto month = month_of(when);
    sent_[month].far += sent.far;
    sent_[month].near += sent.near;
    writer_->later(fmt::format("{} bytes sent are not counted", sent.far + sent.near),
                   [sent, month](Database& database) {
                       return database
                           .statement(
                               "INSERT INTO sent VALUES (?1,?2,?3) ON CONFLICT (month) DO"
                               " UPDATE SET bytes=bytes+?2, near=near+?3")
                           .bind(month, sent.far, sent.near)
                           .run();
                   });
}

Sent Ledger::sent_in_month(WallTime when) const {
    const auto found = sent_.find(month_of(when));
    return found == sent_.end() ? Sent{} : found->second;
}

std::vector<std::pair<std::string, Sent>> Ledger::sent_by_month() const { return {sent_.begin(), sent_.end()}; }

Sent Ledger::sent() const {
    Sent out;
    for (const auto& [month, sent] : sent_) {
        out.far += sent.far;
        out.near += sent.near;
    }
    return out;
}

}  // namespace packswarm::store
