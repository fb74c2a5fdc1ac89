#include "p2p/store/shelf.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "p2p/base/log.hpp"

namespace packswarm::store {

namespace {

constexpr const char* migrations[] = {
    "CREATE TABLE artifacts (digest BLOB PRIMARY KEY, size INTEGER NOT NULL, inode INTEGER NOT NULL, mtime_ns INTEGER "
    "NOT NULL,"
    " name TEXT NOT NULL, lineage TEXT NOT NULL, pieces BLOB NOT NULL, modified INTEGER NOT NULL, is_root INTEGER NOT "
    "NULL,"
    " use INTEGER NOT NULL)",
};

tl::unexpected<Error> disk_error(const std::string& what, const std::filesystem::path& path) {
    const int code = errno;
    return fail(ErrorKind::Broken, "{} {}: {}", what, path.string(), std::strerror(code));
}

Result<void> make_folder(const std::filesystem::path& path, mode_t mode) {
    if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return disk_error("making the folder", path);
    return {};
}

Result<void> sync_folder(const std::filesystem::path& path) {
    const FileHandle folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder.open() || ::fsync(folder.fd()) != 0) return disk_error("flushing the folder", path);
    return {};
}

std::string joined(const PieceHashes& pieces) {
    std::string out;
    out.reserve(pieces.size() * PieceHash::size);
    for (const auto& piece : pieces) out += piece.raw();
    return out;
}

PieceHashes split(const std::string& raw) {
    PieceHashes out;
    for (std::size_t at = 0; at + PieceHash::size <= raw.size(); at += PieceHash::size)
        out.push_back(PieceHash::from_raw(raw.data() + at));
    return out;
}

FileInfo info_of(const struct stat& st) {
    return {st.st_size, st.st_ino, std::int64_t{st.st_mtim.tv_sec} * 1'000'000'000 + st.st_mtim.tv_nsec};
}

bool same(const FileInfo& a, const FileInfo& b) {
    return a.size == b.size && a.inode == b.inode && a.modified_ns == b.modified_ns;
}

void delete_tree(const std::filesystem::path& path) {
    std::error_code problem;
    std::filesystem::remove_all(path, problem);
    if (problem) spdlog::error("store: {} cannot be deleted: {}", path.string(), problem.message());
}

// Calls each for every name in the folder but "." and "..".
void for_each_name(const std::filesystem::path& folder, const std::function<void(const std::string&)>& each) {
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(folder.c_str()), ::closedir);
    if (!stream) return;
    while (const dirent* entry = ::readdir(stream.get())) {
        const std::string name = entry->d_name;
        if (name != "." && name != "..") each(name);
    }
}

}  // namespace

Result<std::shared_ptr<Shelf>> Shelf::open(const std::filesystem::path& folder, std::function<void(Step)> on_step) {
    std::shared_ptr<Shelf> shelf(new Shelf(folder));
    if (auto ready = shelf->prepare(); !ready) return tl::unexpected(ready.error());
    auto table = Database::open(folder / "artifacts.db", migrations);
    if (!table) return tl::unexpected(table.error());
    shelf->table_ = std::move(*table);
    // Rows vouch for files across power failures, and are committed in batches on a worker: full costs little here.
    if (auto set = shelf->table_->set_sync(Sync::full); !set) return tl::unexpected(set.error());
    shelf->on_step_ = std::move(on_step);
    return shelf;
}

Result<void> Shelf::prepare() {
    std::error_code problem;
    std::filesystem::create_directories(folder_, problem);
    if (problem) return fail(ErrorKind::Broken, "making the folder {}: {}", folder_.string(), problem.message());
    if (auto locked = lock(); !locked) return locked;
    if (auto made = make_folder(folder_ / "files", 0755); !made) return made;
    if (auto made = make_folder(staging(), 0700); !made) return made;
    for_each_name(staging(), [&](const std::string& name) { delete_tree(staging() / name); });
    for (int i = 0; i < 256; ++i)
        if (auto made = make_folder(folder_ / "files" / fmt::format("{:02x}", i), 0755); !made) return made;
    return sync_folder(folder_ / "files");
}

Result<void> Shelf::lock() {
    const auto path = folder_ / "lock";
    lock_ = FileHandle(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock_.open()) return disk_error("opening", path);
    if (::flock(lock_.fd(), LOCK_EX | LOCK_NB) == 0) return {};
    if (errno == EWOULDBLOCK) return fail(ErrorKind::Broken, "another agent uses the store {}", folder_.string());
    return disk_error("locking", path);
}

std::filesystem::path Shelf::path_of(const Digest& digest) const {
    const auto hex = digest.hex();
    return folder_ / "files" / hex.substr(0, 2) / hex;
}

Result<std::vector<Row>> Shelf::rows() {
    std::vector<Row> out;
    auto query = table_->statement(
        "SELECT digest, size, inode, mtime_ns, name, lineage, pieces, modified, is_root, use FROM artifacts");
    for (;;) {
        const auto more = query.step();
        if (!more) return tl::unexpected(more.error());
        if (!*more) return out;
        const std::string digest = query.bytes(0);
        if (digest.size() != Digest::size) continue;
        Row& row = out.emplace_back();
        row.info = {query.integer(1), static_cast<std::uint64_t>(query.integer(2)), query.integer(3)};
        row.record = {Digest::from_raw(digest.data()),
                      row.info.size,
                      query.bytes(4),
                      query.bytes(5),
                      split(query.bytes(6)),
                      WallTime(Seconds(query.integer(7))),
                      query.integer(8) != 0};
        row.use = query.integer(9);
    }
}

std::vector<FoundFile> Shelf::files() {
    std::vector<FoundFile> out;
    for_each_name(folder_ / "files", [&](const std::string& bucket) {
        for_each_name(folder_ / "files" / bucket, [&](const std::string& name) {
            const auto path = folder_ / "files" / bucket / name;
            const auto digest = Digest::parse(name);
            struct stat st {};
            const bool ours =
                digest && path_of(*digest) == path && ::lstat(path.c_str(), &st) == 0 && S_ISREG(st.st_mode);
            if (ours)
                out.push_back({*digest, info_of(st)});
            else
                delete_tree(path);
        });
    });
    return out;
}

void Shelf::step(Step step) const {
    if (on_step_) on_step_(step);
}

void Shelf::run(std::vector<Operation>& batch) {
    // Writing starts for all files before the first is waited for: one journal commit then serves many.
    for (const auto& operation : batch)
        if (operation.file) ::sync_file_range(operation.file->file().handle().fd(), 0, 0, SYNC_FILE_RANGE_WRITE);
    for (auto& operation : batch) {
        if (operation.kind == Operation::Kind::publish) place(operation);
        if (operation.kind == Operation::Kind::remove) {
            ::unlink(path_of(operation.digest).c_str());
            placed_.erase(operation.digest);
        }
    }
    auto done = sync_folders();
    if (done) done = write_rows(batch);
    if (!done) take_back(batch, done.error());
    placed_.clear();
    step(Step::answer);
}

// The same digest twice in one batch: the first file stays, the second's staged copy goes with its handle.
void Shelf::place(Operation& publication) {
    if (const auto earlier = placed_.find(publication.digest); earlier != placed_.end()) {
        publication.handle = earlier->second->handle;
        publication.info = earlier->second->info;
        publication.outcome = earlier->second->outcome;
        return;
    }
    publication.outcome = place_file(publication);
    if (publication.outcome) placed_.emplace(publication.digest, &publication);
}

Result<void> Shelf::place_file(Operation& publication) {
    const StagedFile& staged = publication.file->file();
    const auto target = path_of(publication.digest);
    struct stat before {};
    if (::fstat(staged.handle().fd(), &before) != 0) return disk_error("looking at", staged.path());
    if (before.st_nlink == 1) ::fchmod(staged.handle().fd(), 0444);  // another name's mode is not ours to change
    if (publication.as_taken && !same(info_of(before), *publication.as_taken))
        return fail(ErrorKind::Transient, "{} was changed by somebody else while it was being taken",
                    publication.record.name);
    step(Step::sync_file);
    if (::fsync(staged.handle().fd()) != 0) return disk_error("flushing", staged.path());
    step(Step::rename);
    if (::rename(staged.path().c_str(), target.c_str()) != 0) return disk_error("publishing", target);
    staged.keep();
    changed_folders_.insert(target.parent_path());
    auto opened = open_published(publication, before.st_ino);
    if (!opened) ::unlink(target.c_str());
    return opened;
}

Result<void> Shelf::open_published(Operation& publication, std::uint64_t inode) const {
    const auto target = path_of(publication.digest);
    auto handle = open_for_reading(target);
    if (!handle) return tl::unexpected(handle.error());
    const auto info = file_info(*handle);
    if (!info) return tl::unexpected(info.error());
    if (info->inode != inode || info->size != publication.record.size)
        return fail(ErrorKind::Broken, "{} is not the file that was published", target.string());
    publication.handle = std::make_shared<FileHandle>(std::move(*handle));
    publication.info = *info;
    return {};
}

Result<void> Shelf::sync_folders() {
    if (changed_folders_.empty()) return {};
    step(Step::sync_folder);
    Result<void> done;
    for (const auto& folder : changed_folders_)
        if (auto synced = sync_folder(folder); !synced) done = synced;
    changed_folders_.clear();
    return done;
}

Result<void> Shelf::write_rows(std::vector<Operation>& batch) {
    step(Step::write_rows);
    return table_->transaction([&]() -> Result<void> {
        for (const auto& operation : batch)
            if (auto written = write_row(operation); !written) return written;
        return {};
    });
}

Result<void> Shelf::write_row(const Operation& operation) {
    const Blob key{operation.digest.raw()};
    const auto& record = operation.record;
    const auto modified = std::int64_t{record.modified.time_since_epoch().count()};
    switch (operation.kind) {
        case Operation::Kind::remove:
            return table_->statement("DELETE FROM artifacts WHERE digest=?").bind(key).run();
        case Operation::Kind::touch:
            return table_->statement("UPDATE artifacts SET use=? WHERE digest=?").bind(operation.use, key).run();
        case Operation::Kind::update:
            return table_
                ->statement("UPDATE artifacts SET name=?, lineage=?, pieces=?, modified=?, is_root=? WHERE digest=?")
                .bind(record.name, record.lineage, Blob{joined(record.pieces)}, modified, int{record.is_root}, key)
                .run();
        case Operation::Kind::publish:
            break;
    }
    if (!operation.outcome) return {};
    return table_->statement("INSERT OR REPLACE INTO artifacts VALUES (?,?,?,?,?,?,?,?,?,?)")
        .bind(key, operation.info.size, static_cast<std::int64_t>(operation.info.inode), operation.info.modified_ns,
              record.name, record.lineage, Blob{joined(record.pieces)}, modified, int{record.is_root}, operation.use)
        .run();
}

// No row vouches for these files: without one they would be strangers at the next start.
void Shelf::take_back(std::vector<Operation>& batch, const Error& why) {
    for (auto& operation : batch) {
        if (operation.kind == Operation::Kind::publish && operation.outcome)
            ::unlink(path_of(operation.digest).c_str());
        if (operation.outcome) operation.outcome = tl::unexpected(why);
        operation.handle.reset();
    }
}

}  // namespace packswarm::store
