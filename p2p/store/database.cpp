#include "p2p/store/database.hpp"

#include <sqlite3.h>

#include <array>

#include "p2p/base/log.hpp"
#include "p2p/base/own_files.hpp"

namespace packswarm::store {

namespace {

constexpr int long_log = 1000;  // pages, as sqlite3_wal_autocheckpoint(3)

tl::unexpected<Error> sqlite_error(sqlite3* connection, int code) {
    if (code == SQLITE_FULL) return fail(ErrorKind::Broken, "the disk with the database is full");
    return fail(ErrorKind::Broken, "database: {} ({})", connection ? sqlite3_errmsg(connection) : sqlite3_errstr(code),
                code);
}

constexpr std::array companions{"-wal", "-shm", "-journal"};

Result<std::filesystem::path> move_aside(const std::filesystem::path& path) {
    std::error_code ignored;
    auto aside = set_aside(path);
    for (const char* companion : companions) std::filesystem::remove(path.string() + companion, ignored);
    return aside;
}

// SQLite follows no link at the end of a path, and none on the way either: it is told where the folder really is.
Result<std::filesystem::path> checked(const std::filesystem::path& path) {
    auto folder = real_folder(path.has_parent_path() ? path.parent_path() : ".");
    if (!folder) return folder;
    auto real = *folder / path.filename();
    if (auto ours = check_own_file(real); !ours) return tl::unexpected(ours.error());
    for (const char* companion : companions)
        if (auto ours = check_own_file(real.string() + companion); !ours) return tl::unexpected(ours.error());
    return real;
}

}  // namespace

Statement::~Statement() {
    if (!statement_) return;
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
}

Result<bool> Statement::step() {
    if (!statement_) return sqlite_error(connection_, sqlite3_errcode(connection_));
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return sqlite_error(connection_, code);
}

Result<void> Statement::run() {
    for (;;) {
        const auto row = step();
        if (!row) return tl::unexpected(row.error());
        if (!*row) return {};
    }
}

void Statement::add(std::int64_t value) {
    if (statement_) sqlite3_bind_int64(statement_, next_++, value);
}

void Statement::add(double value) {
    if (statement_) sqlite3_bind_double(statement_, next_++, value);
}

void Statement::add(std::string_view text) {
    if (statement_) sqlite3_bind_text64(statement_, next_++, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

void Statement::add(Blob blob) {
    if (statement_) sqlite3_bind_blob64(statement_, next_++, blob.bytes.data(), blob.bytes.size(), SQLITE_TRANSIENT);
}

void Statement::add(std::nullopt_t) {
    if (statement_) sqlite3_bind_null(statement_, next_++);
}

bool Statement::null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_, column); }
double Statement::real(int column) const { return sqlite3_column_double(statement_, column); }

std::string Statement::bytes(int column) const {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return data ? std::string(data, size) : std::string();
}

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& named,
                                                 std::span<const char* const> migrations) {
    const auto found = checked(named);
    if (!found) return tl::unexpected(found.error());
    const auto& path = *found;
    for (const bool again : {false, true}) {
        std::unique_ptr<Database> database(new Database);
        auto ready = database->connect(path);
        if (ready) ready = database->migrate(migrations);
        database->moved_aside_ = again;
        if (ready) return database;
        if (again || !database->damaged())
            return fail(ErrorKind::Broken, "{}: {}", path.string(), ready.error().message);
        database.reset();
        const auto aside = move_aside(path);
        if (!aside)
            return fail(ErrorKind::Broken, "{} cannot be used ({}): {}", path.string(), ready.error().message,
                        aside.error().message);
        spdlog::error("{} cannot be used ({}): it is kept as {} and a new one is begun", path.string(),
                      ready.error().message, aside->filename().string());
    }
    return fail(ErrorKind::Broken, "{} cannot be opened", path.string());
}

Result<std::unique_ptr<Database>> Database::open_reading(const std::filesystem::path& path) {
    const auto found = checked(path);
    if (!found) return tl::unexpected(found.error());
    std::unique_ptr<Database> database(new Database);
    const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW;
    if (const int code = sqlite3_open_v2(found->c_str(), &database->connection_, flags, nullptr); code != SQLITE_OK)
        return sqlite_error(database->connection_, code);
    sqlite3_busy_timeout(database->connection_, 5000);
    return database;
}

Database::~Database() {
    for (auto& [sql, statement] : prepared_) sqlite3_finalize(statement);
    sqlite3_close(connection_);
}

Result<void> Database::connect(const std::filesystem::path& path) {
    const int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW;
    if (const int code = sqlite3_open_v2(path.c_str(), &connection_, flags, nullptr); code != SQLITE_OK)
        return sqlite_error(connection_, code);
    sqlite3_busy_timeout(connection_, 5000);
    for (const char* setting : {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL", "PRAGMA foreign_keys=ON",
                                "PRAGMA journal_size_limit=16777216", "PRAGMA trusted_schema=OFF"})
        if (auto set = execute(setting); !set) return set;
    auto check = statement("PRAGMA quick_check(1)");
    const auto row = check.step();
    if (!row) return tl::unexpected(row.error());
    unusable_ = !*row || check.bytes(0) != "ok";
    if (unusable_) return fail(ErrorKind::Broken, "it is damaged");
    return {};
}

bool Database::damaged() const {
    const int code = sqlite3_errcode(connection_) & 0xff;
    return unusable_ || code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

Result<void> Database::migrate(std::span<const char* const> migrations) {
    std::int64_t version = 0;
    {
        auto query = statement("PRAGMA user_version");
        const auto row = query.step();
        if (!row) return tl::unexpected(row.error());
        version = query.integer(0);
    }
    const auto newest = static_cast<std::int64_t>(migrations.size());
    unusable_ = version < 0 || version > newest;
    if (unusable_) return fail(ErrorKind::Broken, "its version is {}, this program knows up to {}", version, newest);
    for (; version < newest; ++version) {
        auto done = transaction([&]() -> Result<void> {
            if (auto made = execute(migrations[static_cast<std::size_t>(version)]); !made) return made;
            return execute(fmt::format("PRAGMA user_version={}", version + 1));
        });
        if (!done) return done;
    }
    return {};
}

Statement Database::statement(const std::string& sql) {
    auto& prepared = prepared_[sql];
    if (!prepared) sqlite3_prepare_v3(connection_, sql.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
    return {connection_, prepared};
}

Result<void> Database::execute(const std::string& sql) {
    const int code = sqlite3_exec(connection_, sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return sqlite_error(connection_, code);
    return {};
}

Result<void> Database::transaction(const std::function<Result<void>()>& body) {
    if (auto begun = execute("BEGIN IMMEDIATE"); !begun) return begun;
    auto done = body();
    if (done) done = execute("COMMIT");
    if (!done && !sqlite3_get_autocommit(connection_)) static_cast<void>(execute("ROLLBACK"));
    return done;
}

void Database::leave_log() {
    const auto committed = [](void* self, sqlite3*, const char*, int pages) {
        static_cast<Database*>(self)->log_pages_ = pages;
        return SQLITE_OK;
    };
    sqlite3_wal_hook(connection_, committed, this);
}

bool Database::has_long_log() const { return log_pages_ >= long_log; }

Result<void> Database::checkpoint(const std::filesystem::path& path) {
    Database database;
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW;
    const int code = sqlite3_open_v2(path.c_str(), &database.connection_, flags, nullptr);
    if (code != SQLITE_OK) return sqlite_error(database.connection_, code);
    // As a statement: a connection that has read nothing yet does not know of the log (sqlite3_wal_checkpoint_v2).
    return database.execute("PRAGMA wal_checkpoint(PASSIVE)");
}

Result<void> Database::set_sync(Sync sync) {
    return execute(sync == Sync::full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
}

}  // namespace packswarm::store
