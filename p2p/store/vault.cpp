#include "p2p/store/vault.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/store/adoption.hpp"
#include "p2p/store/eviction.hpp"
#include "p2p/store/shelf.hpp"

namespace packswarm::store {

namespace {

constexpr std::size_t touches_per_batch = 512;
constexpr ByteCount slack_share = 64;  // of the quota, freed beyond what one file needs

bool unchanged(const FileInfo& now, const FileInfo& then) {
    return now.size == then.size && now.inode == then.inode && now.modified_ns == then.modified_ns;
}

Operation operation(Operation::Kind kind, const Digest& digest) {
    Operation out;
    out.kind = kind;
    out.digest = digest;
    return out;
}

}  // namespace

Vault::Vault(VaultSettings settings, Loop& loop, Workers& workers)
    : settings_(std::move(settings)), loop_(loop), workers_(workers) {}

Result<std::unique_ptr<Vault>> Vault::open(VaultSettings settings, Loop& loop, Workers& workers) {
    std::unique_ptr<Vault> vault(new Vault(std::move(settings), loop, workers));
    auto shelf = Shelf::open(vault->settings_.folder, vault->settings_.on_step);
    if (!shelf) return tl::unexpected(shelf.error());
    vault->shelf_ = std::move(*shelf);
    if (auto loaded = vault->load(); !loaded) return tl::unexpected(loaded.error());
    return vault;
}

// Uses are written late: what is lost of them in a crash only blurs the order of eviction.
Vault::~Vault() {
    if (busy_ || touched_.empty() || !shelf_) return;
    std::vector<Operation> batch;
    for (const auto& digest : touched_) batch.push_back(operation(Operation::Kind::touch, digest));
    for (auto& touch : batch) touch.use = entries_[touch.digest].last_use;
    shelf_->run(batch);
}

Result<void> Vault::load() {
    auto rows = shelf_->rows();
    if (!rows) return tl::unexpected(rows.error());
    std::unordered_map<Digest, Row> known;
    for (auto& row : *rows) {
        uses_ = std::max(uses_, row.use);
        known.emplace(row.record.digest, std::move(row));
    }
    for (const auto& file : shelf_->files()) {
        auto row = known.extract(file.digest);
        stored_bytes_ += file.info.size;
        if (row && unchanged(file.info, row.mapped().info)) {
            entries_[file.digest] = {std::move(row.mapped().record), file.info, row.mapped().use, {}};
            continue;
        }
        auto& orphan = orphans_[file.digest];
        if (row) orphan = std::move(row.mapped().record);
        orphan.digest = file.digest;
        orphan.size = file.info.size;
    }
    if (!known.empty()) spdlog::warn("store: {} files are gone from {}", known.size(), settings_.folder.string());
    if (!orphans_.empty()) spdlog::warn("store: {} files need to be verified again", orphans_.size());
    for (const auto& [digest, row] : known) enqueue(operation(Operation::Kind::remove, digest));
    return {};
}

// ---- Room

std::filesystem::path Vault::staging_path() { return shelf_->staging() / std::to_string(++staging_names_); }

Result<StagedFile> Vault::stage(ByteCount size) {
    if (auto room = make_room(size); !room) return tl::unexpected(room.error());
    auto file = StagedFile::create(staging_path(), size);
    if (!file) return file;
    // Blocks are set aside now, so that a disk fills up here and not in the middle of a transfer.
    if (size > 0 && ::fallocate(file->handle().fd(), 0, 0, size) != 0 && (errno == ENOSPC || errno == EDQUOT))
        return fail(ErrorKind::Refused, "the disk of {} has no room for {} bytes", settings_.folder.string(), size);
    note_staged(*file);
    return file;
}

void Vault::note_staged(const std::filesystem::path& path, ByteCount size) {
    if (staged_.emplace(path, size).second) staged_bytes_ += size;
    if (staged_.size() < staged_check_at_) return;
    count_staged();
    staged_check_at_ = std::max<std::size_t>(64, staged_.size() * 2);
}

// Staged files go with their last handle and tell nobody: their paths are looked for when it matters.
void Vault::count_staged() {
    struct stat st {};
    staged_bytes_ = 0;
    for (auto at = staged_.begin(); at != staged_.end();) {
        if (::lstat(at->first.c_str(), &st) == 0) {
            staged_bytes_ += at->second;
            ++at;
        } else {
            linked_.erase(at->first);
            at = staged_.erase(at);
        }
    }
}

// Bytes to free before size more may be staged; not positive when there is room.
ByteCount Vault::shortfall(ByteCount size) {
    const ByteCount over_quota = stored_bytes_ + staged_bytes_ + size - settings_.quota;
    struct statvfs disk {};
    if (::statvfs(settings_.folder.c_str(), &disk) != 0) return over_quota;
    const auto free = static_cast<ByteCount>(disk.f_bavail) * static_cast<ByteCount>(disk.f_frsize);
    return std::max(over_quota, settings_.reserve + size - free);
}

Result<void> Vault::make_room(ByteCount size) {
    if (size < 0 || size > limits::max_artifact)
        return fail(ErrorKind::Refused, "{} bytes is no artifact's size", size);
    if (shortfall(size) <= 0) return {};
    count_staged();
    const ByteCount needed = shortfall(size);
    if (needed <= 0) return {};
    if (!evict(needed) || shortfall(size) > 0)
        return fail(
            ErrorKind::Refused,
            "no room for {} bytes: the store holds {} of {}, {} more are being fetched, and {} of the disk stay free",
            size, stored_bytes_, settings_.quota, staged_bytes_, settings_.reserve);
    return {};
}

bool Vault::evict(ByteCount needed) {
    std::vector<Candidate> candidates;
    candidates.reserve(entries_.size() + orphans_.size());
    for (const auto& [digest, orphan] : orphans_) candidates.push_back({digest, orphan.size, Worth::orphan, false, 0});
    for (const auto& [digest, entry] : entries_) {
        const bool current = !is_current_ || is_current_(digest);
        const Worth worth = !current ? Worth::superseded : entry.record.is_root ? Worth::index : Worth::package;
        candidates.push_back({digest, entry.record.size, worth, !entry.handle.expired(), entry.last_use});
    }
    const auto victims = choose_victims(std::move(candidates), needed, settings_.quota / slack_share);
    for (const auto& digest : victims) forget(digest);
    if (!victims.empty()) spdlog::info("store: {} files evicted to make room", victims.size());
    return !victims.empty();
}

void Vault::set_limits(ByteCount quota, ByteCount reserve) {
    settings_.quota = quota;
    settings_.reserve = reserve;
    if (!make_room(0)) spdlog::warn("store: the new quota of {} bytes cannot be reached yet", quota);
}

Usage Vault::usage() {
    count_staged();
    return {stored_bytes_, staged_bytes_, settings_.quota, entries_.size()};
}

// ---- What is stored

StoredFile Vault::stored(Entry& entry, std::shared_ptr<FileHandle> handle) {
    StoredFile file({}, shelf_->path_of(entry.record.digest), entry.record.digest, entry.record.size);
    entry.handle = handle;
    file.handle_ = std::move(handle);
    return file;
}

std::optional<StoredFile> Vault::find(const Digest& digest) {
    const auto found = entries_.find(digest);
    if (found == entries_.end()) return std::nullopt;
    Entry& entry = found->second;
    auto fresh = open_for_reading(shelf_->path_of(digest));
    const auto info = fresh ? file_info(*fresh) : tl::unexpected(fresh.error());
    if (!info &&
        info.error().kind == ErrorKind::Broken) {  // no descriptors left, or a failing disk: says nothing of the file
        spdlog::error("store: {} cannot be read: {}", digest.hex(), info.error().message);
        return std::nullopt;
    }
    if (!info || !unchanged(*info, entry.info)) {
        spdlog::error("store: {} was changed or removed by somebody else and is dropped", digest.hex());
        forget(digest);
        return std::nullopt;
    }
    entry.last_use = ++uses_;
    touched_.insert(digest);
    if (touched_.size() >= touches_per_batch && !busy_) start_batch();
    auto open = entry.handle.lock();
    return stored(entry, open ? open : std::make_shared<FileHandle>(std::move(*fresh)));
}

std::optional<broker::ArtifactRecord> Vault::record(const Digest& digest) {
    const auto found = entries_.find(digest);
    if (found == entries_.end()) return std::nullopt;
    return found->second.record;
}

std::vector<broker::ArtifactRecord> Vault::records() {
    std::vector<broker::ArtifactRecord> out;
    out.reserve(entries_.size());
    for (const auto& [digest, entry] : entries_) out.push_back(entry.record);
    return out;
}

void Vault::remove(const Digest& digest) { forget(digest); }

// Deletes the file at once, since its room is wanted; the row follows with the next batch.
void Vault::forget(const Digest& digest) {
    drop_orphan(digest);
    drop_entry(digest);
    ::unlink(shelf_->path_of(digest).c_str());
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
    stored_bytes_ -= found->second.record.size;
    entries_.erase(found);
    touched_.erase(digest);
    if (removed_)
        loop_.post([alive = std::weak_ptr(alive_), this, digest] {
            if (!alive.expired() && removed_) removed_(digest);
        });
}

// ---- Publication

void Vault::publish(VerifiedFile file, broker::ArtifactRecord record, broker::Then<StoredFile> then) {
    Operation publication = operation(Operation::Kind::publish, file.digest());
    publication.record = std::move(record);
    publication.record.digest = file.digest();
    publication.record.size = file.file().size();
    publication.use = ++uses_;
    publication.then = std::move(then);
    if (const auto linked = linked_.extract(file.file().path())) publication.as_taken = linked.mapped();
    publication.file = std::move(file);
    enqueue(std::move(publication));
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
    workers_.run([this, shelf = shelf_, batch, alive = std::weak_ptr(alive_)]() -> Task {
        shelf->run(*batch);
        return [this, batch, alive] {
            if (!alive.expired()) finish_batch(*batch);
        };
    });
}

void Vault::finish_batch(std::vector<Operation>& batch) {
    for (auto& done : batch) {
        if (done.kind == Operation::Kind::publish) finish_publication(done);
        if (done.kind == Operation::Kind::remove) drop_entry(done.digest);
    }
    const auto& last = batch.back();  // a failed transaction fails for all
    if (last.kind != Operation::Kind::publish && !last.outcome)
        spdlog::error("store: {}", last.outcome.error().message);
    busy_ = false;
    if (!queue_.empty()) start_batch();
}

void Vault::finish_publication(Operation& done) {
    if (staged_.erase(done.file->file().path()) > 0) staged_bytes_ -= done.record.size;
    if (!done.outcome) {
        spdlog::error("store: {} is not kept: {}", done.record.name, done.outcome.error().message);
        return done.then(tl::unexpected(done.outcome.error()));
    }
    auto [entry, added] = entries_.try_emplace(done.digest);
    if (added) {
        stored_bytes_ += done.record.size;
        entry->second = {done.record, done.info, done.use, {}};
    } else {
        enrich(entry->second, done.record);
    }
    done.then(stored(entry->second, done.handle));
}

// The digest is stored already: the staged copy goes with its handle.
bool Vault::answer_from_store(Operation& publication) {
    drop_orphan(publication.digest);
    auto file = find(publication.digest);
    if (!file) return false;
    enrich(entries_[publication.digest], publication.record);
    loop_.post([alive = std::weak_ptr(alive_), then = std::move(publication.then), file = std::move(*file)] {
        if (!alive.expired()) then(file);
    });
    return true;
}

void Vault::enrich(Entry& entry, const broker::ArtifactRecord& more) {
    auto record = entry.record;
    if (record.lineage.empty()) record.lineage = more.lineage;
    if (record.pieces.empty()) record.pieces = more.pieces;
    if (record.name.empty()) record.name = more.name;
    if (record.modified == WallTime{}) record.modified = more.modified;
    record.is_root = record.is_root || more.is_root;
    const bool same = record.lineage == entry.record.lineage && record.pieces == entry.record.pieces &&
                      record.name == entry.record.name && record.modified == entry.record.modified &&
                      record.is_root == entry.record.is_root;
    if (same) return;
    entry.record = record;
    queue_.push_back(operation(Operation::Kind::update, record.digest));
    queue_.back().record = std::move(record);
}

// ---- Files that came from elsewhere

void Vault::adopt(FileHandle source, Adopt how, broker::Then<Adopted> then) {
    const auto info = file_info(source);
    auto room = info ? make_room(info->size) : tl::unexpected(info.error());
    if (!room) return loop_.post([then = std::move(then), why = room.error()] { then(tl::unexpected(why)); });
    auto from = std::make_shared<FileHandle>(std::move(source));
    auto to = staging_path();
    note_staged(to, info->size);
    workers_.run([this, from, how, then = std::move(then), to = std::move(to), size = info->size,
                  alive = std::weak_ptr(alive_)]() -> Task {
        auto adopted = adopt_file(*from, to, size, how);
        return [this, adopted = std::move(adopted), then, alive] {
            if (alive.expired()) return;
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
    if (::rename(shelf_->path_of(digest).c_str(), path.c_str()) != 0)
        return fail(ErrorKind::Absent, "{} is gone", digest.hex());
    auto file = StagedFile::take_over(path);
    if (!file) return file;
    note_staged(*file);
    if (const auto taken = file_info(file->handle())) linked_[path] = *taken;
    return file;
}

}  // namespace packswarm::store
