#include "p2p/store/shelf.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "p2p/base/log.hpp"
#include "p2p/base/own_files.hpp"
#include "p2p/base/stop.hpp"
#include "p2p/store/leftovers.hpp"

namespace packswarm::store {

namespace {

constexpr ByteCount flushed_at_once = 32 << 20;

tl::unexpected<Error> disk_error(const std::string& what, const std::filesystem::path& path) {
    const int code = errno;
    return fail(ErrorKind::Broken, "{} {}: {}", what, path.string(), std::strerror(code));
}

Result<void> sync_folder(const std::filesystem::path& path) {
    const auto folder = open_own_folder(path);
    if (!folder) return tl::unexpected(folder.error());
    if (::fsync(folder->fd()) != 0) return disk_error("flushing the folder", path);
    return {};
}

// Writes a file out part by part, so that an end of the agent does not wait for all of a large one. What is then left
// out may be lost with the power, no sooner: the next start hashes what it finds.
Result<void> flush(const StagedFile& file) {
    for (ByteCount at = 0; at < file.size() && !is_stopped(); at += flushed_at_once)
        ::sync_file_range(file.handle().fd(), at, flushed_at_once,
                          SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
    if (is_stopped() || ::fsync(file.handle().fd()) == 0) return {};
    return disk_error("flushing", file.path());
}

void delete_tree(const std::filesystem::path& path) {
    std::error_code problem;
    std::filesystem::remove_all(path, problem);
    if (problem) spdlog::error("store: {} cannot be deleted: {}", path.string(), problem.message());
}

// Calls each for every name in the folder but "." and "..".
void for_each_name(const std::filesystem::path& folder,
                   const std::function<void(const std::string&, const dirent&)>& each) {
    auto opened = open_own_folder(folder);
    if (!opened) return spdlog::warn("store: left alone: {}", opened.error().message);
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(opened->fd()), ::closedir);
    if (!stream) return;
    opened->release();
    while (const dirent* entry = ::readdir(stream.get())) {
        const std::string name = entry->d_name;
        if (name != "." && name != "..") each(name, *entry);
    }
}

}  // namespace

void begin_flush(const FileHandle& file, ByteCount size) {
    for (ByteCount at = 0; at < size && !is_stopped(); at += flushed_at_once)
        ::sync_file_range(file.fd(), at, flushed_at_once, SYNC_FILE_RANGE_WRITE);
}

Result<std::shared_ptr<Shelf>> Shelf::open(const std::filesystem::path& folder, std::function<void(Step)> on_step) {
    std::shared_ptr<Shelf> shelf(new Shelf(folder));
    if (auto ready = shelf->prepare(); !ready) return tl::unexpected(ready.error());
    auto table = ArtifactTable::open(folder);
    if (!table) return tl::unexpected(table.error());
    shelf->table_ = std::move(*table);
    shelf->on_step_ = std::move(on_step);
    return shelf;
}

Result<void> Shelf::prepare() {
    if (auto locked = lock(); !locked) return locked;
    if (auto made = make_own_folder(folder_ / "files", 0755); !made) return made;
    if (auto made = make_own_folder(staging(), 0700); !made) return made;
    for (int i = 0; i < 256; ++i)
        if (auto made = make_own_folder(folder_ / "files" / fmt::format("{:02x}", i), 0755); !made) return made;
    return sync_folder(folder_ / "files");
}

Result<void> Shelf::lock() {
    const auto path = folder_ / "lock";
    auto opened = open_own_file(path, O_RDWR | O_CREAT, 0600);
    if (!opened) return tl::unexpected(opened.error());
    lock_ = std::move(*opened);
    if (::flock(lock_.fd(), LOCK_EX | LOCK_NB) == 0) return {};
    if (errno == EWOULDBLOCK) return fail(ErrorKind::Broken, "another agent uses the store {}", folder_.string());
    return disk_error("locking", path);
}

std::filesystem::path path_in(const std::filesystem::path& folder, const Digest& digest) {
    const auto hex = digest.hex();
    return folder / "files" / hex.substr(0, 2) / hex;
}

Result<FileInfo> Shelf::look_at(const Digest& digest) const {
    struct stat st {};
    if (::lstat(path_of(digest).c_str(), &st) != 0 || !S_ISREG(st.st_mode))
        return fail(ErrorKind::Absent, "no file is there");
    return info_of(st);
}

// A name and an inode number cost one read of the folder for many files; a look at each would cost a start its seconds.
void Shelf::for_each_file(const std::function<void(const FoundFile&)>& each) {
    for_each_name(folder_ / "files", [&](const std::string& bucket, const dirent&) {
        for_each_name(folder_ / "files" / bucket, [&](const std::string& name, const dirent& entry) {
            const auto digest = Digest::parse(name);
            const bool is_named_right = digest && name == digest->hex() && bucket == name.substr(0, 2);
            const bool is_file =
                entry.d_type == DT_REG || (entry.d_type == DT_UNKNOWN && is_named_right && look_at(*digest));
            if (is_named_right && is_file)
                each({*digest, entry.d_ino});
            else
                delete_tree(folder_ / "files" / bucket / name);
        });
    });
}

void Shelf::step(Step step) const {
    if (on_step_) on_step_(step);
}

void Shelf::run(std::vector<Operation>& batch) {
    // Writing starts for all files before the first is waited for: one journal commit then serves many.
    for (const auto& operation : batch)
        if (operation.file) begin_flush(operation.file->file().handle(), operation.file->file().size());
    for (auto& operation : batch) {
        if (operation.kind == Operation::Kind::publish) place(operation);
        if (operation.kind == Operation::Kind::remove) {
            static_cast<void>(delete_own(path_of(operation.digest)));
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
        publication.is_repeat = true;
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
    if (publication.as_taken && info_of(before) != *publication.as_taken)
        return fail(ErrorKind::Transient, "{} was changed by somebody else while it was being taken",
                    publication.record.name);
    step(Step::sync_file);
    if (auto flushed = flush(staged); !flushed) return flushed;
    step(Step::rename);
    if (auto renamed = rename_own(staged.path(), target); !renamed)
        return fail(ErrorKind::Broken, "publishing {}: {}", target.string(), renamed.error().message);
    staged.keep();
    static_cast<void>(delete_own(note_of(staged.path())));
    changed_folders_.insert(target.parent_path());
    auto opened = open_published(publication, before.st_ino);
    if (!opened) static_cast<void>(delete_own(target));
    return opened;
}

Result<void> Shelf::open_published(Operation& publication, std::uint64_t inode) const {
    const auto target = path_of(publication.digest);
    auto handle = open_own_file(target, O_RDONLY);
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
    switch (operation.kind) {
        case Operation::Kind::remove:
            return table_->remove(operation.digest);
        case Operation::Kind::touch:
            return table_->touch(operation.digest, operation.use);
        case Operation::Kind::update:
            return table_->update(operation.record);
        case Operation::Kind::move:
            return table_->move(operation.digest, operation.info);
        case Operation::Kind::publish:
            break;
    }
    if (!operation.outcome || operation.is_repeat) return {};
    return table_->insert({operation.record, operation.info, operation.use, !operation.record.pieces.empty(),
                           !operation.record.signature.empty()});
}

// No row vouches for these files: without one they would be strangers at the next start.
void Shelf::take_back(std::vector<Operation>& batch, const Error& why) {
    for (auto& operation : batch) {
        if (operation.kind == Operation::Kind::publish && operation.outcome)
            static_cast<void>(delete_own(path_of(operation.digest)));
        if (operation.outcome) operation.outcome = tl::unexpected(why);
        operation.handle.reset();
    }
}

}  // namespace packswarm::store
