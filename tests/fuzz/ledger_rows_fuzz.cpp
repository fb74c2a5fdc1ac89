// rooms: store
// Rows of the ledger as a rotten disk or somebody else may have left them: whatever stands in them, of whatever type,
// it opens and answers. Input: a column, a type, a length and a value, again and again.
#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "p2p/base/log.hpp"
#include "p2p/store/ledger.hpp"

using namespace packswarm;

namespace {

constexpr std::array columns = {
    "floors.lineage",     "floors.date",          "floors.root",
    "mirrors.base",       "mirrors.first_byte_s", "mirrors.rate",
    "mirrors.samples",    "mirrors.back_at",      "mirrors.ranges",
    "mirrors.good",       "transfers.txn",        "transfers.asker",
    "transfers.name",     "transfers.digest",     "transfers.size",
    "transfers.started",  "transfers.seconds",    "transfers.outcome",
    "transfers.reasons",  "shares.kind",          "shares.source",
    "shares.bytes",       "shares.wasted",        "totals.kind",
    "totals.bytes",       "sent.month",           "sent.bytes",
    "sent.near",          "peers.lineage",        "peers.endpoint",
    "peers.last_seen",    "peers.received",       "peers.failures",
    "sightings.address",  "sightings.file",       "sightings.content",
    "sightings.bundle",   "sightings.product",    "sightings.date",
    "sightings.modified", "sightings.confirmed",  "mirrors.first_byte_dev_s",
};

std::filesystem::path folder() {
    const auto memory = std::filesystem::exists("/dev/shm") ? "/dev/shm" : "/tmp";
    return std::filesystem::path(memory) / ("packswarm-ledger-fuzz-" + std::to_string(::getpid()));
}

Digest digest_of(char byte) { return Digest::from_raw(std::string(Digest::size, byte).data()); }

void fill(store::Ledger& ledger) {
    const WallTime then(Seconds(1'000'000));
    ledger.raise_floors({{core::FloorName("debian/F/stable/amd64"), then, digest_of('r')}}, [](const Result<void>&) {});
    ledger.save_mirror_health("http://m.example/debian", {});
    broker::TransferRecord transfer;
    transfer.transaction = "t1";
    transfer.asker = "apt";
    transfer.name = "a";
    transfer.digest = digest_of('a');
    transfer.size = 100;
    transfer.started = then;
    transfer.outcome = "ok";
    transfer.sources = {{broker::SourceKind::mirror, "http://m.example/debian", 70, 10}};
    ledger.record(transfer);
    ledger.save_sighting(
        {"http://m/InRelease", digest_of('f'), digest_of('c'), digest_of('b'), digest_of('p'), then, then, then});
    ledger.add_sent({5, 6}, then);
}

// Takes bytes off the front.
std::string_view take(std::string_view& bytes, std::size_t count) {
    const auto out = bytes.substr(0, count);
    bytes.remove_prefix(out.size());
    return out;
}

void set(sqlite3* database, const std::string& column, int type, std::string_view value) {
    const auto dot = column.find('.');
    const auto sql = "UPDATE OR IGNORE " + column.substr(0, dot) + " SET " + column.substr(dot + 1) + " = ?";
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(database, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) std::abort();
    std::int64_t number = 0;
    std::memcpy(&number, value.data(), std::min(value.size(), sizeof number));
    double real = 0;
    std::memcpy(&real, &number, sizeof real);
    const int size = static_cast<int>(value.size());
    if (type == 0) sqlite3_bind_int64(statement, 1, number);
    if (type == 1) sqlite3_bind_double(statement, 1, real);
    if (type == 2) sqlite3_bind_text(statement, 1, value.data(), size, SQLITE_TRANSIENT);
    if (type == 3) sqlite3_bind_blob(statement, 1, value.data(), size, SQLITE_TRANSIENT);
    sqlite3_step(statement);  // a column may not take it
    sqlite3_finalize(statement);
}

void change(const std::filesystem::path& path, std::string_view input) {
    sqlite3* database = nullptr;
    if (sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READWRITE, nullptr) != SQLITE_OK) std::abort();
    sqlite3_exec(database, "PRAGMA synchronous=OFF; BEGIN", nullptr, nullptr, nullptr);
    while (input.size() >= 3) {
        const auto head = take(input, 3);
        const auto value = take(input, static_cast<unsigned char>(head[2]));
        set(database, columns[static_cast<unsigned char>(head[0]) % columns.size()],
            static_cast<unsigned char>(head[1]) % 5, value);
    }
    sqlite3_exec(database, "COMMIT", nullptr, nullptr, nullptr);
    sqlite3_close(database);
}

void read_all(store::Ledger& ledger) {
    ledger.floors();
    ledger.mirror_health();
    ledger.sightings();
    ledger.known_peers();
    for (const char* text : {"a", "t1", "", "%"}) ledger.transfers_named(text, 10);
    ledger.transfers_of("t1", 10);
    ledger.recent_transfers(10);
    ledger.recent_transactions(10);
    ledger.totals();
    ledger.totals_of("t1");
    ledger.sent_in_month(WallTime(Seconds(1'000'000)));
    ledger.sent_by_month();
    ledger.sent();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    spdlog::set_level(spdlog::level::off);
    std::filesystem::remove_all(folder());
    std::filesystem::create_directories(folder());
    for (const bool is_new : {true, false}) {
        auto ledger = store::Ledger::open({folder(), 100});
        if (!ledger) std::abort();
        if (is_new)
            fill(**ledger);
        else
            read_all(**ledger);
        ledger = fail(ErrorKind::Absent, "closed");
        if (is_new) change(folder() / "ledger.db", {reinterpret_cast<const char*>(data), size});
    }
    std::filesystem::remove_all(folder());
    return 0;
}
