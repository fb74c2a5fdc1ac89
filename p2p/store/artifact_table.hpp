// ArtifactTable: the table of stored artifacts (artifacts.db): what each file is, and its piece hashes and signature in
// tables beside it, so that a walk over all artifacts does not read those. Not here: the files (shelf.hpp), which of
// them exist (vault.cpp). One connection is one thread's at a time; open_reading() gives another thread one of its own.
// Errors: Broken.
#pragma once

#include "p2p/broker/ports/store.hpp"
#include "p2p/store/database.hpp"

namespace packswarm::store {

struct Row {
    broker::ArtifactRecord record;  // its pieces and signature only where read() was asked for one row
    FileInfo info;
    std::int64_t use = 0;
    bool has_pieces = false, has_signature = false;
};

class ArtifactTable {
  public:
    static Result<std::unique_ptr<ArtifactTable>> open(const std::filesystem::path& folder);
    static Result<std::unique_ptr<ArtifactTable>> open_reading(const std::filesystem::path& folder);

    Result<void> for_each(const std::function<void(Row)>& each);
    std::optional<broker::ArtifactRecord> read(const Digest& digest);
    PieceHashes pieces(const Digest& digest);  // empty: none are known
    Bytes signature(const Digest& digest);     // likewise

    Result<void> transaction(const std::function<Result<void>()>& body) { return database_->transaction(body); }
    Result<void> insert(const Row& row);
    Result<void> update(const broker::ArtifactRecord& record);
    Result<void> touch(const Digest& digest, std::int64_t use);
    Result<void> move(const Digest& digest, const FileInfo& info);
    Result<void> remove(const Digest& digest);

  private:
    explicit ArtifactTable(std::unique_ptr<Database> database) : database_(std::move(database)) {}
    Result<void> write_beside(const broker::ArtifactRecord& record);

    std::unique_ptr<Database> database_;
};

}  // namespace packswarm::store
