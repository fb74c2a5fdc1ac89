#include "p2p/store/vault.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/base/own_files.hpp"
#include "p2p/store/adoption.hpp"
#include "p2p/store/leftovers.hpp"
#include "p2p/store/shelf.hpp"

namespace packswarm::store {

namespace {

constexpr std::size_t touches_per_batch = 512;

Operation operation(Operation::Kind kind, const Digest& digest) {
    Operation out;
    out.kind = kind;
    out.digest = digest;
    return out;
}

// A connection of its own, which outlives the vault without harm.
class Reader final : public broker::StoreReader {
  public:
    Reader(std::filesystem::path folder, std::unique_ptr<ArtifactTable> table)
        : folder_(std::move(folder)), table_(std::move(table)) {}
    std::filesystem::path path_of(const Digest& digest) const override { return path_in(folder_, digest); }
    PieceHashes pieces_of(const Digest& digest) override { return table_->pieces(digest); }
    Bytes signature_of(const Digest& digest) override { return table_->signature(digest); }

  private:
    std::filesystem::path folder_;
    std::unique_ptr<ArtifactTable> table_;
};

}  // namespace

Vault::Vault(VaultSettings settings, Loop& loop, Workers& workers)
    : settings_(std::move(settings)), loop_(loop), workers_(workers), notes_(std::make_shared<StagingNotes>(workers)) {}

Result<std::unique_ptr<Vault>> Vault::open(VaultSettings settings, Loop& loop, Workers& workers) {
    auto folder = real_folder(settings.folder);
    if (!folder) return tl::unexpected(folder.error());
    settings.folder = std::move(*folder);
    std::unique_ptr<Vault> vault(new Vault(std::move(settings), loop, workers));
    auto shelf = Shelf::open(vault->settings_.folder, vault->settings_.on_step);
    if (!shelf) return tl::unexpected(shelf.error());
    vault->shelf_ = std::move(*shelf);
    auto records = ArtifactTable::open_reading(vault->settings_.folder);
    if (!records) return tl::unexpected(records.error());
    vault->records_ = std::move(*records);
    if (auto loaded = vault->load(); !loaded) return tl::unexpected(loaded.error());
    vault->load_leftovers();
    return vault;
}

// Uses are written late: what is lost of them in a crash only blurs the order of eviction.
Vault::~Vault() {
    notes_->write_all();
    if (busy_ || touched_.empty() || !shelf_) return;
    std::vector<Operation> batch;
    for (const auto& digest : touched_) batch.push_back(operation(Operation::Kind::touch, digest));
    for (auto& touch : batch) touch.use = entries_[touch.digest].last_use;
    shelf_->run(batch);
}

Result<void> Vault::load() {
    auto read = shelf_->table().for_each([this](Row row) {
        uses_ = std::max(uses_, row.use);
        entries_[row.record.digest] = entry_of(row);
    });
    if (!read) return read;
    shelf_->for_each_file([this](const FoundFile& file) { load_file(file); });
    if (moved_ > 0)  // of those with the recorded inode some may have it by chance
        for (auto& [digest, entry] : entries_)
            if (const auto info = shelf_->look_at(digest); info && info->size == entry.info.size && *info != entry.info)
                note_moved(digest, entry, *info);
    std::vector<Digest> gone;
    for (const auto& [digest, entry] : entries_)
        if (!entry.was_found) gone.push_back(digest);
    for (const auto& digest : gone) {
        entries_.erase(digest);
        enqueue(operation(Operation::Kind::remove, digest));
    }
    if (!gone.empty()) spdlog::warn("store: {} files are gone from {}", gone.size(), settings_.folder.string());
    if (moved_ > 0)
        spdlog::warn(
            "store: {} files are not the recorded ones but have their size, as in a copied or restored folder: "
            "each is hashed before it is used",
            moved_);
    if (!busy_ && !queue_.empty()) start_batch();
    if (!orphans_.empty()) spdlog::warn("store: {} files need to be verified again", orphans_.size());
    return {};
}

// Inode numbers of a folder's listing may be another layer's (overlayfs): only a look at the file speaks against it.
void Vault::load_file(const FoundFile& file) {
    const auto row = entries_.find(file.digest);
    const bool is_known = row != entries_.end() && row->second.info.inode == file.inode;
    const auto info = is_known ? Result<FileInfo>(row->second.info) : shelf_->look_at(file.digest);
    if (!info) return;
    stored_bytes_ += info->size;
    if (row != entries_.end() && info->size == row->second.info.size) {
        row->second.was_found = true;
        if (*info != row->second.info) note_moved(file.digest, row->second, *info);
        return;
    }
    auto& orphan = orphans_[file.digest];
    if (row != entries_.end()) {
        orphan = shelf_->table().read(file.digest).value_or(broker::ArtifactRecord{});
        entries_.erase(row);
    }
    orphan.digest = file.digest;
    orphan.size = info->size;
}

// In a folder that was copied or restored every file has another inode, and maybe another time. None of what an earlier
// start stored is given to anybody before it is hashed: here that finds out what was changed, too.
void Vault::note_moved(const Digest& digest, Entry& entry, const FileInfo& info) {
    ++moved_;
    entry.info = info;
    entry.info.changed_ns = 0;
    auto move = operation(Operation::Kind::move, digest);
    move.info = info;
    queue_.push_back(std::move(move));
}

Vault::Entry Vault::entry_of(const Row& row) {
    const auto& record = row.record;
    return {row.info,
            static_cast<std::uint64_t>(row.use),
            std::min<std::size_t>(record.replicas, 255),
            !record.lineage.empty(),
            row.has_pieces,
            row.has_signature,
            !record.name.empty(),
            record.modified != WallTime{},
            record.is_root,
            false};
}

// ---- What is stored

void Vault::note_open(const Digest& digest, const std::shared_ptr<FileHandle>& handle) {
    if (open_.size() >= open_check_at_) {
        std::erase_if(open_, [](const auto& item) { return item.second.expired(); });
        open_check_at_ = std::max<std::size_t>(64, open_.size() * 2);
    }
    open_[digest] = handle;
}

StoredFile Vault::stored(const Digest& digest, ByteCount size, std::shared_ptr<FileHandle> handle) {
    note_open(digest, handle);
    StoredFile file({}, shelf_->path_of(digest), digest, size);
    file.handle_ = std::move(handle);
    return file;
}

bool Vault::is_open(const Digest& digest) const {
    const auto handle = open_.find(digest);
    return handle != open_.end() && !handle->second.expired();
}

// The file as it lies there, when it is still the recorded one; else it is dropped. A proof ends when somebody touched
// it.
std::optional<Vault::Look> Vault::look_at(const Digest& digest) {
    const auto found = entries_.find(digest);
    if (found == entries_.end()) return std::nullopt;
    Entry& entry = found->second;
    auto fresh = open_own_file(shelf_->path_of(digest), O_RDONLY);
    const auto info = fresh ? file_info(*fresh) : tl::unexpected(fresh.error());
    if (!info &&
        info.error().kind == ErrorKind::Broken) {  // no descriptors left, or a failing disk: says nothing of the file
        spdlog::error("store: {} cannot be read: {}", digest.hex(), info.error().message);
        return std::nullopt;
    }
    if (!info || *info != entry.info) {
        spdlog::error("store: {} was changed or removed by somebody else and is dropped", digest.hex());
        forget(digest);
        return std::nullopt;
    }
    if (!info->is_untouched_since(entry.info)) entry.info.changed_ns = 0;
    const auto known = open_.find(digest);
    auto open = known == open_.end() ? nullptr : known->second.lock();
    return Look{&entry, open ? open : std::make_shared<FileHandle>(std::move(*fresh)), *info};
}

std::optional<StoredFile> Vault::find(const Digest& digest) {
    auto look = look_at(digest);
    if (!look || look->entry->info.changed_ns == 0) return std::nullopt;
    look->entry->last_use = ++uses_;
    touched_.insert(digest);
    if (touched_.size() >= touches_per_batch && !busy_) start_batch();
    return stored(digest, look->info.size, std::move(look->handle));
}

std::optional<KeptFile> Vault::kept(const Digest& digest) {
    auto look = look_at(digest);
    if (!look) return std::nullopt;
    note_open(digest, look->handle);
    return KeptFile(std::move(look->handle), shelf_->path_of(digest), digest, look->info);
}

bool Vault::take_proof(const ProvenFile& proven) {
    const auto look = look_at(proven.file().digest());
    if (!look || !look->info.is_untouched_since(proven.file().info())) return false;
    look->entry->info.changed_ns = look->info.changed_ns;
    if (!proven.has_good_pieces()) look->entry->has_pieces = false;  // of this start: their row has rotted
    return true;
}

void Vault::drop_rotten(const KeptFile& file, const Error& why) {
    const auto found = entries_.find(file.digest());
    if (found == entries_.end() || found->second.info != file.info()) return;
    ++rotten_;
    spdlog::warn("store: {} has rotted and is dropped: {}", file.path().string(), why.message);
    forget(file.digest());
}

// What is queued for the ledger is not in this answer yet.
std::optional<broker::ArtifactRecord> Vault::record(const Digest& digest) {
    if (entries_.count(digest) == 0) return std::nullopt;
    return records_->read(digest);
}

std::optional<broker::ArtifactBrief> Vault::brief(const Digest& digest) {
    const auto found = entries_.find(digest);
    if (found == entries_.end()) return std::nullopt;
    const Entry& entry = found->second;
    return broker::ArtifactBrief{StoredMark(digest, entry.info, entry.has_pieces, entry.has_signature),
                                 static_cast<bool>(entry.has_lineage), static_cast<bool>(entry.is_root)};
}

std::vector<Digest> Vault::digests() {
    std::vector<Digest> out;
    out.reserve(entries_.size());
    for (const auto& [digest, entry] : entries_) out.push_back(digest);
    return out;
}

std::vector<broker::ArtifactRecord> Vault::roots() {
    std::vector<broker::ArtifactRecord> out;
    for (const auto& [digest, entry] : entries_)
        if (entry.is_root)
            if (auto row = records_->read(digest)) out.push_back(std::move(*row));
    return out;
}

Result<std::unique_ptr<broker::StoreReader>> Vault::reader() const {
    auto table = ArtifactTable::open_reading(settings_.folder);
    if (!table) return tl::unexpected(table.error());
    return std::unique_ptr<broker::StoreReader>(std::make_unique<Reader>(settings_.folder, std::move(*table)));
}

void Vault::remove(const Digest& digest) { forget(digest); }

void Vault::forget(const Digest& digest, File file) {
    drop_orphan(digest);
    drop_entry(digest);
    if (file == File::goes_now) static_cast<void>(delete_own(shelf_->path_of(digest)));
    enqueue(operation(Operation::Kind::remove, digest));
}

bool Vault::drop_orphan(const Digest& digest) {
    const auto orphan = orphans_.extract(digest);
    if (orphan) stored_bytes_ -= orphan.mapped().size;
    return !orphan.empty();
}

void Vault::drop_entry(const Digest& digest) {
    const auto found = entries_.find(digest);
    if (found == entries_.end()) return;
    stored_bytes_ -= found->second.info.size;
    entries_.erase(found);
    open_.erase(digest);
    touched_.erase(digest);
    if (removed_)
        loop_.post(lifetime_.guard([this, digest] {
            if (removed_) removed_(digest);
        }));
}

// ---- Publication

void Vault::publish(VerifiedFile file, broker::ArtifactRecord record, broker::Then<StoredFile> then) {
    Operation publication = operation(Operation::Kind::publish, file.digest());
    publication.record = std::move(record);
    publication.record.digest = file.digest();
    publication.record.size = file.file().size();
    publication.use = ++uses_;
    publication.then = std::move(then);
    notes_->forget(note_of(file.file().path()));
    if (const auto linked = linked_.extract(file.file().path())) publication.as_taken = linked.mapped();
    publication.file = std::move(file);
    if (auto room = settle_staged(publication); !room)
        return loop_.post([then = std::move(publication.then), why = room.error()] { then(tl::unexpected(why)); });
    enqueue(std::move(publication));
}

void Vault::keep_signature(const Digest& digest, Bytes signature, Task kept) {
    const auto entry = entries_.find(digest);
    if (entry == entries_.end()) return;
    entry->second.has_signature = false;  // the one that was there has rotted, or there was none
    broker::ArtifactRecord more;
    more.digest = digest;
    more.signature = std::move(signature);
    add_to_row(digest, std::move(more), [kept = std::move(kept)](const Result<StoredFile>& stored) {
        if (stored) kept();
    });
    if (!busy_ && !queue_.empty()) start_batch();
}

void Vault::enqueue(Operation operation) {
    queue_.push_back(std::move(operation));
    if (!busy_) start_batch();
}

// One batch at a time; what comes meanwhile makes the next one, so that a busy store flushes once for many files.
void Vault::start_batch() {
    busy_ = true;
    auto batch = std::make_shared<std::vector<Operation>>();
    for (auto& next : std::exchange(queue_, {})) {
        if (next.kind == Operation::Kind::remove) drop_entry(next.digest);
        const bool answered = next.kind == Operation::Kind::publish && answer_from_store(next);
        // What the look at the store brought up, such as the removal of a changed file, comes before this operation.
        for (auto& found : std::exchange(queue_, {})) batch->push_back(std::move(found));
        if (!answered) batch->push_back(std::move(next));
    }
    for (const auto& digest : touched_) {
        batch->push_back(operation(Operation::Kind::touch, digest));
        batch->back().use = entries_[digest].last_use;
    }
    touched_.clear();
    busy_ = !batch->empty();
    if (busy_) run_batch(std::move(batch));
}

void Vault::run_batch(std::shared_ptr<std::vector<Operation>> batch) {
    workers_.run([this, shelf = shelf_, batch, alive = lifetime_.view()]() -> Task {
        shelf->run(*batch);
        return [this, batch, alive] {
            if (alive) finish_batch(*batch);
        };
    });
}

void Vault::finish_batch(std::vector<Operation>& batch) {
    for (auto& done : batch) {
        if (done.kind == Operation::Kind::publish) finish_publication(done);
        if (done.kind == Operation::Kind::update) finish_update(done);
        if (done.kind == Operation::Kind::remove) drop_entry(done.digest);
    }
    const auto& last = batch.back();  // a failed transaction fails for all
    if (last.kind != Operation::Kind::publish && !last.outcome)
        spdlog::error("store: {}", last.outcome.error().message);
    busy_ = false;
    if (!queue_.empty()) start_batch();
}

void Vault::finish_publication(Operation& done) {
    if (const auto staged = staged_.extract(done.file->file().path())) sum_staged(staged.mapped(), -1);
    if (!done.outcome) {
        spdlog::error("store: {} is not kept: {}", done.record.name, done.outcome.error().message);
        return done.then(tl::unexpected(done.outcome.error()));
    }
    auto [entry, added] = entries_.try_emplace(done.digest);
    if (!added) return add_to_row(done.digest, std::move(done.record), std::move(done.then));
    stored_bytes_ += done.record.size;
    entry->second =
        entry_of({done.record, done.info, done.use, !done.record.pieces.empty(), !done.record.signature.empty()});
    done.then(stored(done.digest, done.record.size, done.handle));
}

// The digest is stored already: the staged copy goes with its handle. What nobody has hashed makes way for it.
bool Vault::answer_from_store(Operation& publication) {
    drop_orphan(publication.digest);
    if (!find(publication.digest)) {
        if (entries_.count(publication.digest) != 0) forget(publication.digest);
        return false;
    }
    if (const auto staged = staged_.find(publication.file->file().path()); staged != staged_.end())
        staged->second.on_its_way = false;
    add_to_row(publication.digest, std::move(publication.record), std::move(publication.then));
    return true;
}

// Only what the row lacks is written, and then told when it can be read there.
void Vault::add_to_row(const Digest& digest, broker::ArtifactRecord more, broker::Then<StoredFile> then) {
    const Entry& entry = entries_[digest];
    if (entry.has_lineage) more.lineage = {};
    if (entry.has_pieces) more.pieces.clear();
    if (entry.has_signature) more.signature.clear();
    if (entry.has_name) more.name.clear();
    if (entry.has_date) more.modified = {};
    if (entry.is_root) more.is_root = false;
    auto update = operation(Operation::Kind::update, digest);
    update.record = std::move(more);
    update.then = std::move(then);
    const auto& fresh = update.record;
    const bool is_new = !fresh.lineage.empty() || !fresh.pieces.empty() || !fresh.signature.empty() ||
                        !fresh.name.empty() || fresh.modified != WallTime{} || fresh.is_root;
    if (is_new) return queue_.push_back(std::move(update));
    loop_.post(
        lifetime_.guard([this, update = std::make_shared<Operation>(std::move(update))] { finish_update(*update); }));
}

void Vault::finish_update(Operation& done) {
    const auto found = entries_.find(done.digest);
    if (found != entries_.end() && done.outcome) {
        found->second.has_lineage |= !done.record.lineage.empty();
        found->second.has_pieces |= !done.record.pieces.empty();
        found->second.has_signature |= !done.record.signature.empty();
        found->second.has_name |= !done.record.name.empty();
        found->second.has_date |= done.record.modified != WallTime{};
        found->second.is_root |= done.record.is_root;
    }
    if (!done.then) return;
    auto file = find(done.digest);
    if (!file) return done.then(fail(ErrorKind::Absent, "it was removed, or touched, meanwhile"));
    done.then(std::move(*file));
}

// ---- Files that came from elsewhere

void Vault::adopt(FileHandle source, Adopt how, broker::Then<Adopted> then) {
    const auto info = file_info(source);
    auto room = info ? make_room_for_file(info->size) : tl::unexpected(info.error());
    if (!room) return loop_.post([then = std::move(then), why = room.error()] { then(tl::unexpected(why)); });
    auto from = std::make_shared<FileHandle>(std::move(source));
    auto to = staging_path();
    note_staged(to, {info->size, info->size, broker::Promise::listed, info->size});
    workers_.run([this, from, how, then = std::move(then), to = std::move(to), size = info->size,
                  alive = lifetime_.view()]() -> Task {
        auto adopted = adopt_file(*from, to, size, how);
        return [this, adopted = std::move(adopted), then, alive] {
            if (!alive) return;
            if (!adopted) return then(tl::unexpected(adopted.error()));
            note_staged(adopted->file);
            if (adopted->by == AdoptedBy::hardlink)
                if (const auto taken = file_info(adopted->file.handle())) linked_[adopted->file.path()] = *taken;
            then(*adopted);
        };
    });
}

std::vector<broker::ArtifactRecord> Vault::orphans() const {
    std::vector<broker::ArtifactRecord> out;
    for (const auto& [digest, orphan] : orphans_) out.push_back(orphan);
    return out;
}

Result<StagedFile> Vault::reclaim(const Digest& digest) {
    if (!drop_orphan(digest)) return fail(ErrorKind::Absent, "no file without a row has the digest {}", digest.hex());
    const auto path = staging_path();
    if (!rename_own(shelf_->path_of(digest), path)) return fail(ErrorKind::Absent, "{} is gone", digest.hex());
    auto file = StagedFile::take_over(path);
    if (!file) return file;
    note_staged(*file);
    if (const auto taken = file_info(file->handle())) linked_[path] = *taken;
    return file;
}

}  // namespace packswarm::store
