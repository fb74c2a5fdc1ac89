#include "p2p/store/artifact_table.hpp"

#include "p2p/base/checksum.hpp"
#include "p2p/base/log.hpp"

namespace packswarm::store {

namespace {

constexpr const char* file_name = "artifacts.db";
constexpr const char* artifact_migrations[] = {
    "CREATE TABLE artifacts (digest BLOB PRIMARY KEY, size INTEGER NOT NULL, inode INTEGER NOT NULL, mtime_ns INTEGER "
    "NOT NULL,"
    " name TEXT NOT NULL, lineage TEXT NOT NULL, pieces BLOB NOT NULL, modified INTEGER NOT NULL, is_root INTEGER NOT "
    "NULL,"
    " use INTEGER NOT NULL)",
    "CREATE TABLE pieces (digest BLOB PRIMARY KEY, hashes BLOB NOT NULL);"
    "INSERT INTO pieces SELECT digest, pieces FROM artifacts WHERE length(pieces) > 0;"
    "ALTER TABLE artifacts ADD COLUMN has_pieces INTEGER NOT NULL DEFAULT 0;"
    "UPDATE artifacts SET has_pieces = 1 WHERE length(pieces) > 0;"
    "ALTER TABLE artifacts DROP COLUMN pieces",
    "ALTER TABLE artifacts ADD COLUMN replicas INTEGER NOT NULL DEFAULT 0",
    "CREATE TABLE signatures (digest BLOB PRIMARY KEY, signature BLOB NOT NULL);"
    "ALTER TABLE artifacts ADD COLUMN has_signature INTEGER NOT NULL DEFAULT 0",
    // What has no checksum may have rotted: it is found again.
    "DELETE FROM signatures;"
    "UPDATE artifacts SET has_signature = 0;"
    "ALTER TABLE signatures ADD COLUMN sum INTEGER NOT NULL DEFAULT 0",
};

constexpr const char* columns =
    "size, inode, mtime_ns, name, lineage, modified, is_root, use, has_pieces, digest, replicas, has_signature";

std::string joined(const PieceHashes& pieces) {
    std::string out;
    out.reserve(pieces.size() * PieceHash::size);
    for (const auto& piece : pieces) out += piece.raw();
    return out;
}

// Over the package's digest too: a row that has come to stand beside another package is found out as well.
std::int64_t sum_of(const Digest& digest, std::string_view signature) {
    return crc32(std::string(digest.raw()).append(signature));
}

PieceHashes split(const std::string& raw) {
    PieceHashes out;
    out.reserve(raw.size() / PieceHash::size);
    for (std::size_t at = 0; at + PieceHash::size <= raw.size(); at += PieceHash::size)
        out.push_back(PieceHash::from_raw(raw.data() + at));
    return out;
}

std::optional<Row> row_of(const Statement& query) {
    const std::string digest = query.bytes(9);
    if (digest.size() != Digest::size) return std::nullopt;
    Row row;
    row.info = {query.integer(0), static_cast<std::uint64_t>(query.integer(1)), query.integer(2)};
    row.record = {Digest::from_raw(digest.data()),
                  row.info.size,
                  query.bytes(3),
                  core::Lineage::parse(query.bytes(4)).value_or(core::Lineage()),
                  {},
                  WallTime(Seconds(query.integer(5))),
                  query.integer(6) != 0,
                  {},
                  static_cast<std::size_t>(query.integer(10))};
    row.use = query.integer(7);
    row.has_pieces = query.integer(8) != 0;
    row.has_signature = query.integer(11) != 0;
    return row;
}

}  // namespace

Result<std::unique_ptr<ArtifactTable>> ArtifactTable::open(const std::filesystem::path& folder) {
    auto database = Database::open(folder / file_name, artifact_migrations);
    if (!database) return tl::unexpected(database.error());
    // Rows vouch for files across power failures, and are committed in batches on a worker: full costs little here.
    if (auto set = (*database)->set_sync(Sync::full); !set) return tl::unexpected(set.error());
    return std::unique_ptr<ArtifactTable>(new ArtifactTable(std::move(*database)));
}

Result<std::unique_ptr<ArtifactTable>> ArtifactTable::open_reading(const std::filesystem::path& folder) {
    auto database = Database::open_reading(folder / file_name);
    if (!database) return tl::unexpected(database.error());
    return std::unique_ptr<ArtifactTable>(new ArtifactTable(std::move(*database)));
}

Result<void> ArtifactTable::for_each(const std::function<void(Row)>& each) {
    auto query = database_->statement(fmt::format("SELECT {} FROM artifacts", columns));
    for (;;) {
        const auto more = query.step();
        if (!more) return tl::unexpected(more.error());
        if (!*more) return {};
        if (auto row = row_of(query)) each(std::move(*row));
    }
}

std::optional<broker::ArtifactRecord> ArtifactTable::read(const Digest& digest) {
    auto query = database_->statement(fmt::format("SELECT {} FROM artifacts WHERE digest=?", columns));
    query.bind(Blob{digest.raw()});
    if (!query.step().value_or(false)) return std::nullopt;
    auto row = row_of(query);
    if (!row) return std::nullopt;
    if (row->has_pieces) row->record.pieces = pieces(digest);
    if (row->has_signature) row->record.signature = signature(digest);
    return std::move(row->record);
}

PieceHashes ArtifactTable::pieces(const Digest& digest) {
    auto query = database_->statement("SELECT hashes FROM pieces WHERE digest=?");
    query.bind(Blob{digest.raw()});
    const auto found = query.step();
    if (!found) spdlog::error("store: piece hashes of {} cannot be read: {}", digest.hex(), found.error().message);
    return found.value_or(false) ? split(query.bytes(0)) : PieceHashes{};
}

Bytes ArtifactTable::signature(const Digest& digest) {
    auto query = database_->statement("SELECT signature, sum FROM signatures WHERE digest=?");
    query.bind(Blob{digest.raw()});
    const auto found = query.step();
    if (!found) spdlog::error("store: the signature of {} cannot be read: {}", digest.hex(), found.error().message);
    if (!found.value_or(false)) return {};
    const auto raw = query.bytes(0);
    if (query.integer(1) == sum_of(digest, raw)) return {raw.begin(), raw.end()};
    spdlog::warn("store: the signature of {} has rotted and is not given out", digest.hex());
    return {};
}

Result<void> ArtifactTable::write_beside(const broker::ArtifactRecord& record) {
    const Blob digest{record.digest.raw()};
    const auto signature = as_text(record.signature);
    if (!record.pieces.empty()) {
        auto insert = database_->statement("INSERT OR REPLACE INTO pieces VALUES (?,?)");
        if (auto written = insert.bind(digest, Blob{joined(record.pieces)}).run(); !written) return written;
    }
    if (signature.empty()) return {};
    auto insert = database_->statement("INSERT OR REPLACE INTO signatures VALUES (?,?,?)");
    return insert.bind(digest, Blob{signature}, sum_of(record.digest, signature)).run();
}

Result<void> ArtifactTable::insert(const Row& row) {
    const auto& record = row.record;
    auto written =
        database_
            ->statement(fmt::format("INSERT OR REPLACE INTO artifacts ({}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", columns))
            .bind(row.info.size, static_cast<std::int64_t>(row.info.inode), row.info.modified_ns, record.name,
                  record.lineage.name(), seconds_of(record.modified), int{record.is_root}, row.use,
                  int{!record.pieces.empty()}, Blob{record.digest.raw()}, static_cast<std::int64_t>(record.replicas),
                  int{!record.signature.empty()})
            .run();
    return written ? write_beside(record) : written;
}

// What is empty in the record stays as it is in the row, and is_root stays set.
Result<void> ArtifactTable::update(const broker::ArtifactRecord& record) {
    auto written =
        database_
            ->statement(
                "UPDATE artifacts SET name=iif(name='',?1,name), lineage=iif(lineage='',?2,lineage),"
                " modified=iif(modified=0,?3,modified), is_root=max(is_root,?4), has_pieces=max(has_pieces,?5),"
                " has_signature=max(has_signature,?6) WHERE digest=?7")
            .bind(record.name, record.lineage.name(), seconds_of(record.modified), int{record.is_root},
                  int{!record.pieces.empty()}, int{!record.signature.empty()}, Blob{record.digest.raw()})
            .run();
    return written ? write_beside(record) : written;
}

Result<void> ArtifactTable::touch(const Digest& digest, std::int64_t use) {
    return database_->statement("UPDATE artifacts SET use=? WHERE digest=?").bind(use, Blob{digest.raw()}).run();
}

Result<void> ArtifactTable::move(const Digest& digest, const FileInfo& info) {
    return database_->statement("UPDATE artifacts SET inode=?, mtime_ns=? WHERE digest=?")
        .bind(static_cast<std::int64_t>(info.inode), info.modified_ns, Blob{digest.raw()})
        .run();
}

Result<void> ArtifactTable::remove(const Digest& digest) {
    for (const auto* table : {"pieces", "signatures", "artifacts"})
        if (auto gone = database_->statement(fmt::format("DELETE FROM {} WHERE digest=?", table))
                            .bind(Blob{digest.raw()})
                            .run();
            !gone)
            return gone;
    return {};
}

}  // namespace packswarm::store
