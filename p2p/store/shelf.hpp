// Shelf: the vault's disk side: the folder, its table of artifacts, and batches of changes to both, in an order that a
// crash at any point leaves repairable: file synced, renamed, folder synced, row committed. Not here: which files
// exist, room, eviction (vault.cpp). One thread at a time; lent to a worker for each batch.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <vector>

#include "p2p/broker/ports/answers.hpp"
#include "p2p/broker/ports/store.hpp"
#include "p2p/store/artifact_table.hpp"
#include "p2p/store/vault.hpp"

namespace packswarm::store {

struct Operation {
    enum class Kind { publish, remove, update, touch, move };  // move: the same file, with another inode or time
    Kind kind = Kind::touch;
    Digest digest;
    broker::ArtifactRecord record;     // publish, update
    std::int64_t use = 0;              // publish, touch
    std::optional<VerifiedFile> file;  // publish
    std::optional<FileInfo> as_taken;  // publish: the file must still be this one
    bool is_repeat = false;            // publish: the same batch has placed this digest already
    broker::Then<StoredFile> then;     // publish, update
    Result<void> outcome;              // filled by the shelf, as all below
    std::shared_ptr<FileHandle> handle;
    FileInfo info;  // of move: told to it
};

// A file under a digest's name. Its inode is known from the folder alone; for the rest somebody has to look at it.
struct FoundFile {
    Digest digest;
    std::uint64_t inode = 0;
};

// files/ab/<hex> below folder.
std::filesystem::path path_in(const std::filesystem::path& folder, const Digest& digest);

// Tells the disk to begin with what has not been written yet. May wait: a worker's.
void begin_flush(const FileHandle& file, ByteCount size);

class Shelf {
  public:
    // Makes the folders, takes the lock and opens the table.
    static Result<std::shared_ptr<Shelf>> open(const std::filesystem::path& folder, std::function<void(Step)> on_step);

    std::filesystem::path staging() const { return folder_ / "staging"; }
    std::filesystem::path path_of(const Digest& digest) const { return path_in(folder_, digest); }
    ArtifactTable& table() { return *table_; }
    void for_each_file(const std::function<void(const FoundFile&)>& each);  // under a digest's name; others are deleted
    Result<FileInfo> look_at(const Digest& digest) const;                   // Absent when it is no regular file
    void run(std::vector<Operation>& batch);

  private:
    explicit Shelf(std::filesystem::path folder) : folder_(std::move(folder)) {}
    Result<void> prepare();
    Result<void> lock();
    void place(Operation& publication);
    Result<void> place_file(Operation& publication);
    Result<void> open_published(Operation& publication, std::uint64_t inode) const;
    Result<void> sync_folders();
    Result<void> write_rows(std::vector<Operation>& batch);
    Result<void> write_row(const Operation& operation);
    void take_back(std::vector<Operation>& batch, const Error& why);
    void step(Step step) const;

    std::filesystem::path folder_;
    FileHandle lock_;
    std::unique_ptr<ArtifactTable> table_;
    std::function<void(Step)> on_step_;
    std::map<Digest, const Operation*> placed_;  // by the batch in hand
    std::set<std::filesystem::path> changed_folders_;
};

}  // namespace packswarm::store
