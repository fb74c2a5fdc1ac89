// Database: one SQLite connection with WAL, a schema that grows by numbered scripts, and statements with bound values
// only. A file that is damaged, or made by a newer version, is moved aside beside itself (.damaged) and a new one
// begun, loudly. Not here: what the tables mean. One thread at a time. Errors: Broken with SQLite's text, Refused
// (own_files.hpp).
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>

#include "p2p/base/result.hpp"
#include "p2p/base/units.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace packswarm::store {

inline std::int64_t seconds_of(WallTime time) { return std::int64_t{time.time_since_epoch().count()}; }

struct Blob {
    std::string_view bytes;
};

// Values bind in order, rows are read after step() said true. Ready to be used again when it goes out of scope.
class Statement {
  public:
    Statement(sqlite3* connection, sqlite3_stmt* statement) : connection_(connection), statement_(statement) {}
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;
    ~Statement();

    template <class... Values>
    Statement& bind(const Values&... values) {
        (add(values), ...);
        return *this;
    }
    Result<bool> step();  // true: a row is there
    Result<void> run();   // to the end, rows ignored

    bool null(int column) const;
    std::int64_t integer(int column) const;
    double real(int column) const;
    std::string bytes(int column) const;  // of a text or a blob

  private:
    void add(std::int64_t value);
    void add(int value) { add(std::int64_t{value}); }
    void add(double value);
    void add(std::string_view text);
    void add(const std::string& text) { add(std::string_view(text)); }
    void add(const char* text) { add(std::string_view(text)); }
    void add(Blob blob);
    void add(std::nullopt_t);
    template <class T>
    void add(const std::optional<T>& value) {
        if (value) return add(*value);
        add(std::nullopt);
    }
    sqlite3* connection_;
    sqlite3_stmt* statement_;  // null: could not be prepared, step() says why
    int next_ = 1;
};

enum class Sync { normal, full };  // normal: a power failure may lose the last commits, never the file

class Database {
  public:
    // migrations[i] takes a database of version i to version i + 1.
    static Result<std::unique_ptr<Database>> open(const std::filesystem::path& path,
                                                  std::span<const char* const> migrations);
    // A second connection beside an open one: reads what is committed, changes nothing.
    static Result<std::unique_ptr<Database>> open_reading(const std::filesystem::path& path);
    ~Database();

    bool moved_aside() const { return moved_aside_; }  // an earlier file could not be used
    Statement statement(const std::string& sql);       // prepared once
    Result<void> execute(const std::string& sql);
    Result<void> transaction(const std::function<Result<void>()>& body);  // all of body or nothing
    Result<void> set_sync(Sync sync);
    // Each commit of this connection leaves the write-ahead log as it is: when it has grown long somebody has to
    // checkpoint(), which waits for the disk. Without this a commit does so itself.
    void leave_log();
    bool has_long_log() const;  // at its last commit
    // Copies what is committed from the log of an open database into its file. On any thread.
    static Result<void> checkpoint(const std::filesystem::path& path);

  private:
    Database() = default;
    Result<void> connect(const std::filesystem::path& path);
    Result<void> migrate(std::span<const char* const> migrations);
    bool damaged() const;  // the last failure says that the file is at fault, not the disk or the moment

    sqlite3* connection_ = nullptr;
    std::unordered_map<std::string, sqlite3_stmt*> prepared_;
    int log_pages_ = 0;  // known after leave_log()
    bool moved_aside_ = false;
    bool unusable_ = false;
};

}  // namespace packswarm::store
