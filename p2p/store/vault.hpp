// Vault: verified files under their digest (files/ab/<hex>), within a quota, through any crash. The only maker of
// StoredFile. Not here: verification (it takes VerifiedFile only), history and floors (Ledger). Thread: the loop; disk
// work goes to Workers. Errors: Refused no room within quota or reserve; Broken the disk failed; Absent, Transient from
// adopt's source file.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "p2p/base/lifetime.hpp"
#include "p2p/broker/ports/store.hpp"
#include "p2p/store/disk_room.hpp"
#include "p2p/store/eviction.hpp"
#include "p2p/store/staging_notes.hpp"

namespace packswarm::store {

class ArtifactTable;
struct Row;
class Shelf;
struct FoundFile;
struct Operation;

// The steps of a publication in their order; a process that ends before any of them leaves a folder that open() puts
// right.
enum class Step { sync_file, rename, sync_folder, write_rows, answer };

struct VaultSettings {
    std::filesystem::path folder;   // made when missing; holds files/, staging/, artifacts.db and lock
    ByteCount quota = 10LL << 30;   // stored and staged bytes together
    ByteCount reserve = 1LL << 30;  // bytes of the file system that stay free
    std::function<void(Step)> on_step =
        nullptr;  // called on a worker before each step: lets a test end the process there
};

enum class Adopt { cheapest, copy_only };  // cheapest: reflink, else hard link where that is safe, else copy
enum class AdoptedBy { reflink, hardlink, copy };
std::string_view to_string(AdoptedBy by);

struct Adopted {
    StagedFile file;  // not verified: whoever asked hashes it before publish()
    AdoptedBy by = AdoptedBy::copy;
};

struct Usage {
    ByteCount stored = 0, staged = 0, quota = 0;
    ByteCount loose = 0;  // staged beside the quota: what no index lists
    std::size_t files = 0;
    std::optional<DiskRoom> disk = {};
    std::size_t unproven = 0;  // of the files, those that this start has not hashed yet
    std::uint64_t rotten = 0;  // dropped since the start, since their bytes had changed

    // The disk has less left than stays free.
    bool is_short_of_bytes(ByteCount reserve) const { return !disk || disk->bytes < reserve; }
    bool is_short_of_inodes() const { return disk && disk->inodes && *disk->inodes < disk->inode_reserve; }
};

class Vault final : public broker::Store {
  public:
    // Clears staging of all but leftovers, drops rows whose file vanished, and holds a lock on the folder: Broken when
    // another agent has it. A file that was changed, or copied, while no agent ran is found out or taken in again when
    // it is hashed (proofs.hpp).
    static Result<std::unique_ptr<Vault>> open(VaultSettings settings, Loop& loop, Workers& workers);
    ~Vault() override;

    Result<StagedFile> stage(ByteCount size, broker::Promise promise = broker::Promise::listed) override;
    Result<ByteCount> arrive(const StagedFile& file, ByteCount bytes) override;
    void write(const StagedFile& file, std::vector<broker::FilePart> parts, broker::Then<void> then) override;
    void note(const StagedFile& file, ByteView record) override;  // leftovers.cpp
    std::vector<broker::Leftover> leftovers() override;           // leftovers.cpp
    ByteCount room() override;
    std::optional<StoredFile> find(const Digest& digest) override;
    std::optional<KeptFile> kept(const Digest& digest) override;
    bool take_proof(const ProvenFile& proven) override;
    void drop_rotten(const KeptFile& file, const Error& why) override;
    std::optional<broker::ArtifactRecord> record(const Digest& digest) override;
    std::optional<broker::ArtifactBrief> brief(const Digest& digest) override;
    std::vector<Digest> digests() override;
    std::vector<broker::ArtifactRecord> roots() override;
    // For another thread, which owns it; it may outlive the vault.
    Result<std::unique_ptr<broker::StoreReader>> reader() const;
    // A digest that is stored already keeps its file; its record gains what the new one knows more (lineage, pieces,
    // root).
    void publish(VerifiedFile file, broker::ArtifactRecord record, broker::Then<StoredFile> then) override;
    void keep_signature(const Digest& digest, Bytes signature, Task kept) override;
    void remove(const Digest& digest) override;
    void set_removed(std::function<void(const Digest&)> hook) override { removed_ = std::move(hook); }
    void set_spare(broker::Spare* spare) override { spare_ = spare; }

    // Eviction takes first what is not current, then packages: those that most peers have, by last use among equals;
    // then current roots and index files; files with an open handle after all others. Until this is set everything
    // counts as current.
    void set_current(std::function<bool(const Digest&)> is_current) { is_current_ = std::move(is_current); }
    void set_limits(ByteCount quota, ByteCount reserve);
    Usage usage();
    const std::filesystem::path& folder() const { return settings_.folder; }  // where it really is (own_files.hpp)

    // Takes a package manager's file into staging, unverified, on a worker. Linked only when that is safe
    // (adoption.hpp); a linked file that changes before publish() is refused there.
    void adopt(FileHandle source, Adopt how, broker::Then<Adopted> then);

    // Files that open() found under a digest's name without a row of their size (a crash, a lost table, a file cut
    // short), with what the table remembers. They count as stored bytes and are the first to be evicted.
    // reclaim() moves one into staging, to be verified against its digest and published again with this record.
    std::vector<broker::ArtifactRecord> orphans() const;
    Result<StagedFile> reclaim(const Digest& digest);

  private:
    // Kept small: a seeding box has one for every package of an archive. The ledger has the rest.
    struct Entry {
        FileInfo info;                // as recorded at publication; changed_ns: when it was proven, 0 before that
        std::uint64_t last_use : 48;  // a count of uses, not a time
        std::uint64_t replicas : 8;
        std::uint64_t has_lineage : 1, has_pieces : 1, has_signature : 1, has_name : 1, has_date : 1, is_root : 1,
            was_found : 1;
    };

    Vault(VaultSettings settings, Loop& loop, Workers& workers);
    Result<void> load();
    void load_file(const FoundFile& file);
    void note_moved(const Digest& digest, Entry& entry, const FileInfo& info);
    void load_leftovers();
    // A file in staging. Bytes that were promised hold no room; those that arrived do.
    struct Staged {
        ByteCount size = 0, arrived = 0;
        broker::Promise promise = broker::Promise::listed;
        ByteCount flushed = 0;    // of arrived, when the disk was last told to begin
        bool on_its_way = false;  // into the store: its path goes before it is counted there
    };

    std::filesystem::path staging_path();
    Result<void> expect_room(ByteCount size);
    Result<void> expect_loose(ByteCount size);
    bool is_loose_room(ByteCount size) const;
    ByteCount loose_quota() const;
    Result<void> settle_staged(const Operation& publication);
    ByteCount superseded_bytes() const;
    // Bytes only: more of a file that is here takes no inode.
    Result<void> make_room(ByteCount size) { return make_room(size, 0); }
    Result<void> make_room_for_file(ByteCount size);
    Result<void> make_room(ByteCount size, std::int64_t inodes);
    Lack lack_for(ByteCount size, std::int64_t inodes = 0) const;
    tl::unexpected<Error> no_room(ByteCount size, const Lack& lack) const;
    tl::unexpected<Error> no_loose_room(ByteCount size) const;
    bool evict(Lack lack, Worth most);
    void begin_flush_of(const StagedFile& file, Staged& staged);
    void count_staged();
    void sum_staged(const Staged& file, int sign);
    void note_staged(const StagedFile& file) {
        note_staged(file.path(), {file.size(), file.size(), broker::Promise::listed, file.size()});
    }
    void note_staged(const std::filesystem::path& path, Staged file);
    // The row follows with the next batch; the file goes now, where its room is wanted, or with the row.
    enum class File { goes_now, goes_with_row };
    void forget(const Digest& digest, File file = File::goes_now);
    void forget_all(const std::vector<Digest>& victims, Lack lack);
    void drop_entry(const Digest& digest);
    bool drop_orphan(const Digest& digest);
    void enqueue(Operation operation);
    void start_batch();
    void run_batch(std::shared_ptr<std::vector<Operation>> batch);
    void finish_batch(std::vector<Operation>& batch);
    void finish_publication(Operation& operation);
    bool answer_from_store(Operation& operation);
    void add_to_row(const Digest& digest, broker::ArtifactRecord more, broker::Then<StoredFile> then);
    void finish_update(Operation& operation);
    static Entry entry_of(const Row& row);
    struct Look {
        Entry* entry = nullptr;
        std::shared_ptr<FileHandle> handle;
        FileInfo info;
    };
    std::optional<Look> look_at(const Digest& digest);
    void note_open(const Digest& digest, const std::shared_ptr<FileHandle>& handle);
    StoredFile stored(const Digest& digest, ByteCount size, std::shared_ptr<FileHandle> handle);
    bool is_open(const Digest& digest) const;

    VaultSettings settings_;
    Loop& loop_;
    Workers& workers_;
    std::shared_ptr<StagingNotes> notes_;
    std::shared_ptr<Shelf> shelf_;            // lent to one worker job at a time
    std::unique_ptr<ArtifactTable> records_;  // the loop's own connection
    std::unordered_map<Digest, Entry> entries_;
    std::unordered_map<Digest, std::weak_ptr<FileHandle>> open_;  // while somebody reads them
    std::size_t open_check_at_ = 64;
    std::unordered_map<Digest, broker::ArtifactRecord> orphans_;
    std::unordered_set<Digest> touched_;                // uses that no row shows yet
    std::unordered_map<std::string, Staged> staged_;    // by path
    std::map<std::filesystem::path, FileInfo> linked_;  // staged hard links as they were when taken
    ByteCount stored_bytes_ = 0, staged_bytes_ = 0;     // the second: what an index lists, as it arrives
    ByteCount promised_bytes_ = 0, loose_bytes_ = 0;    // of it, still to come; and what no index lists
    std::size_t staged_check_at_ = 64;
    std::size_t moved_ = 0;  // since they were recorded
    std::int64_t uses_ = 0;
    std::uint64_t rotten_ = 0;
    std::uint64_t staging_names_ = 0;
    std::vector<broker::Leftover> leftovers_;
    std::chrono::steady_clock::time_point disk_frees_until_{};
    std::vector<Operation> queue_;
    bool busy_ = false;
    std::function<void(const Digest&)> removed_;
    broker::Spare* spare_ = nullptr;
    std::function<bool(const Digest&)> is_current_;
    Lifetime lifetime_;  // answers of jobs that outlive the vault are dropped
};

}  // namespace packswarm::store
