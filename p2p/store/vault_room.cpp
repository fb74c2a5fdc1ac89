// How the vault makes room: what is staged and stored against the quota, and what the disk has left, in bytes and
// inodes.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/base/own_files.hpp"
#include "p2p/store/leftovers.hpp"
#include "p2p/store/shelf.hpp"
#include "p2p/store/vault.hpp"

namespace packswarm::store {

namespace {
constexpr std::int64_t inodes_per_file = 3;      // its own, its note's, and that of the note's next state
constexpr ByteCount slack_share = 64;            // of the quota, freed beyond what one file needs
constexpr ByteCount arrival_step = limits::mib;  // room is made for so much more than has come, or as much again
constexpr std::size_t deleted_at_once = 64;      // files, where the quota is lacking alone
constexpr ByteCount flush_step = 8 * limits::mib;
constexpr std::chrono::seconds handles_close{1};
constexpr ByteCount loose_share = 4;  // of the quota, beside it: what no index lists, on its way through
constexpr ByteCount least_loose_quota = 256 * limits::mib;
}  // namespace

std::filesystem::path Vault::staging_path() { return shelf_->staging() / std::to_string(++staging_names_); }

ByteCount Vault::loose_quota() const { return std::max(least_loose_quota, settings_.quota / loose_share); }

Result<StagedFile> Vault::stage(ByteCount size, broker::Promise promise) {
    const auto room = promise == broker::Promise::listed ? expect_room(size) : expect_loose(size);
    if (!room) return tl::unexpected(room.error());
    auto file = StagedFile::create(staging_path(), size);
    if (file) note_staged(file->path(), {size, 0, promise, 0});
    return file;
}

Result<ByteCount> Vault::arrive(const StagedFile& file, ByteCount bytes) {
    const auto at = staged_.find(file.path());
    if (at == staged_.end()) return fail(ErrorKind::Refused, "{} is not staged here", file.path().string());
    Staged& staged = at->second;
    const ByteCount step = std::max(arrival_step, bytes / limits::mib * limits::mib);
    const ByteCount more = std::min(staged.size, bytes + step) - staged.arrived;
    if (bytes <= staged.arrived || more <= 0) return staged.arrived;
    if (staged.promise == broker::Promise::listed) {
        // Its own promise is not counted against it.
        if (auto room = make_room(more); !room) return tl::unexpected(room.error());
    } else if (!is_loose_room(more)) {
        count_staged();
        if (!is_loose_room(more) && spare_) {
            spare_->give_up(more);
            count_staged();
        }
        if (!is_loose_room(more)) return no_loose_room(more);
    }
    const auto again = staged_.find(file.path());  // room was made: what is gone was counted out
    if (again == staged_.end()) return fail(ErrorKind::Broken, "{} is gone", file.path().string());
    sum_staged(again->second, -1);
    again->second.arrived += more;
    sum_staged(again->second, 1);
    begin_flush_of(file, again->second);
    return again->second.arrived;
}

void Vault::write(const StagedFile& file, std::vector<broker::FilePart> parts, broker::Then<void> then) {
    workers_.run([file, parts = std::move(parts), then = std::move(then)]() -> Task {
        Result<void> written;
        for (const auto& part : parts)
            if (written) written = file.write(part.offset, part.data);
        return [then, written] { then(written); };
    });
}

// Early, so that little is left for whoever writes or reads when the memory for it is used up: he would wait.
void Vault::begin_flush_of(const StagedFile& file, Staged& staged) {
    if (staged.arrived - staged.flushed < flush_step) return;
    staged.flushed = staged.arrived;
    auto handle = file.handle().duplicate();  // its path goes with those who hold the file
    if (!handle) return;
    workers_.run([held = std::make_shared<FileHandle>(std::move(*handle)), size = file.size()]() -> Task {
        begin_flush(*held, size);
        return [] {};
    });
}

void Vault::sum_staged(const Staged& file, int sign) {
    if (file.promise == broker::Promise::loose) {
        loose_bytes_ += sign * file.arrived;
    } else {
        staged_bytes_ += sign * file.arrived;
        promised_bytes_ += sign * (file.size - file.arrived);
    }
}

void Vault::note_staged(const std::filesystem::path& path, Staged file) {
    if (staged_.emplace(path, file).second) sum_staged(file, 1);
    if (staged_.size() < staged_check_at_) return;
    count_staged();
    staged_check_at_ = std::max<std::size_t>(64, staged_.size() * 2);
}

// Staged files go with their last handle and tell nobody: their paths are looked for when it matters.
void Vault::count_staged() {
    struct stat st {};
    for (auto at = staged_.begin(); at != staged_.end();) {
        if (at->second.on_its_way || ::lstat(at->first.c_str(), &st) == 0) {
            ++at;
            continue;
        }
        sum_staged(at->second, -1);
        linked_.erase(at->first);
        notes_->set(note_of(at->first), {});
        at = staged_.erase(at);
    }
}

// What is to be freed before size bytes and so many inodes may be taken.
Lack Vault::lack_for(ByteCount size, std::int64_t inodes) const {
    Lack lack{stored_bytes_ + staged_bytes_ + size - settings_.quota, 0};
    const auto disk = disk_room(settings_.folder);
    if (!disk) return lack;
    lack.disk = settings_.reserve + size - disk->bytes;
    if (disk->inodes && inodes > 0) lack.files = disk->inode_reserve + inodes - *disk->inodes;
    return lack;
}

ByteCount Vault::superseded_bytes() const {
    ByteCount out = 0;
    for (const auto& [digest, orphan] : orphans_) out += orphan.size;
    for (const auto& [digest, entry] : entries_)
        if (is_current_ && !is_current_(digest) && !is_open(digest)) out += entry.info.size;
    return out;
}

ByteCount Vault::room() {
    count_staged();
    const ByteCount spare = superseded_bytes() + (spare_ ? spare_->bytes() : 0);
    const auto lack = lack_for(0, inodes_per_file);
    if (lack.files > 0 && spare == 0) return 0;
    return std::max<ByteCount>(0, spare - lack.most() - promised_bytes_);
}

// Whether there could be room once all that was promised has come, if everything stored made way for it. A file's inode
// is taken at once.
Result<void> Vault::expect_room(ByteCount size) {
    if (size < 0 || size > limits::max_artifact)
        return fail(ErrorKind::Refused, "{} bytes is no artifact's size", size);
    if (lack_for(0, inodes_per_file).files > 0)
        if (auto room = make_room_for_file(0); !room) return room;
    if (lack_for(promised_bytes_ + size).most() <= stored_bytes_) return {};
    count_staged();
    if (const auto lack = lack_for(promised_bytes_ + size).most() - stored_bytes_; lack > 0 && spare_) {
        spare_->give_up(lack);
        count_staged();
    }
    if (lack_for(promised_bytes_ + size).most() <= stored_bytes_) return {};
    return no_room(size, lack_for(size));
}

Result<void> Vault::expect_loose(ByteCount size) {
    if (size < 0 || size > limits::max_artifact)
        return fail(ErrorKind::Refused, "{} bytes is no artifact's size", size);
    if (size <= loose_quota() && lack_for(0, inodes_per_file).files <= 0) return {};
    return no_loose_room(size);
}

// The quota is another matter: these files are not kept.
bool Vault::is_loose_room(ByteCount size) const {
    const auto disk = disk_room(settings_.folder);
    return loose_bytes_ + size <= loose_quota() && (!disk || disk->bytes >= settings_.reserve + size);
}

// What is kept counts from here on; of what no index lists nothing has done so yet. The bytes are on the disk already.
Result<void> Vault::settle_staged(const Operation& publication) {
    const auto at = staged_.find(publication.file->file().path());
    if (at == staged_.end()) return {};
    const Staged staged = at->second;
    const auto size = publication.record.size;
    const bool is_loose = staged.promise == broker::Promise::loose;
    const bool takes_places = !is_loose || !is_current_ || is_current_(publication.digest);
    const auto more = is_loose ? size : size - staged.arrived;
    const auto lack = [this, more] { return Lack{stored_bytes_ + staged_bytes_ + more - settings_.quota, 0}; };
    if (more > 0 && !lack().is_met()) evict(lack(), takes_places ? Worth::index : Worth::superseded);
    if (more > 0 && !lack().is_met())
        return fail(ErrorKind::Refused, "the store is full{}",
                    takes_places ? "" : " of what indexes list, and none lists it");
    sum_staged(staged, -1);
    at->second = {size, size, broker::Promise::listed, size, true};
    sum_staged(at->second, 1);
    return {};
}

Result<void> Vault::make_room_for_file(ByteCount size) { return make_room(size, inodes_per_file); }

Result<void> Vault::make_room(ByteCount size, std::int64_t inodes) {
    if (size < 0 || size > limits::max_artifact)
        return fail(ErrorKind::Refused, "{} bytes is no artifact's size", size);
    const auto lack = [this, size, inodes] { return lack_for(size, inodes); };
    if (lack().is_met()) return {};
    count_staged();
    if (!lack().is_met() && spare_) {
        spare_->give_up(std::max<ByteCount>(lack().most(), 1));
        count_staged();
    }
    if (lack().is_met()) return {};
    // What went a moment ago may be open in a client yet, and its place not free: no more goes for that.
    const auto now = std::chrono::steady_clock::now();
    if ((lack().bytes > 0 || now >= disk_frees_until_) && evict(lack(), Worth::index)) {
        if (lack().is_met()) return {};
        disk_frees_until_ = now + handles_close;
    }
    return no_room(size, lack());
}

tl::unexpected<Error> Vault::no_loose_room(ByteCount size) const {
    return fail(ErrorKind::Refused,
                "no room for {} bytes that no index lists: {} of {} are on their way through, and {} of the disk of {} "
                "stay free",
                size, loose_bytes_, loose_quota(), settings_.reserve, settings_.folder.string());
}

tl::unexpected<Error> Vault::no_room(ByteCount size, const Lack& lack) const {
    if (lack.files > 0 && lack.most() <= 0)
        return fail(ErrorKind::Refused, "no room for another file: the file system of {} is short of inodes (df -i)",
                    settings_.folder.string());
    return fail(
        ErrorKind::Refused,
        "no room for {} bytes: the store holds {} of {}, {} more are being fetched, and {} of the disk stay free", size,
        stored_bytes_, settings_.quota, staged_bytes_, settings_.reserve);
}

// Nothing of a higher worth than most.
bool Vault::evict(Lack lack, Worth most) {
    std::vector<Candidate> candidates;
    candidates.reserve(entries_.size() + orphans_.size());
    for (const auto& [digest, orphan] : orphans_)
        candidates.push_back({digest, orphan.size, Worth::orphan, false, 0, 0});
    for (const auto& [digest, entry] : entries_) {
        const bool current = !is_current_ || is_current_(digest);
        const Worth worth = !current ? Worth::superseded : entry.is_root ? Worth::index : Worth::package;
        if (worth > most) continue;
        candidates.push_back({digest, entry.info.size, worth, is_open(digest), entry.replicas, entry.last_use});
    }
    const auto victims = choose_victims(std::move(candidates), lack, settings_.quota / slack_share);
    forget_all(victims, lack);
    if (!victims.empty()) spdlog::info("store: {} files evicted to make room", victims.size());
    return !victims.empty();
}

// Tens of thousands of small files may go for one large: the loop deletes what the disk lacks now, and a few beside; a
// worker the rest.
void Vault::forget_all(const std::vector<Digest>& victims, Lack lack) {
    std::size_t beside = 0;
    for (const auto& digest : victims) {
        const bool is_lacking = lack.disk > 0 || lack.files > 0;
        const auto entry = entries_.find(digest);
        if (entry == entries_.end() || !is_open(digest)) {
            lack.disk -= entry == entries_.end() ? orphans_.at(digest).size : entry->second.info.size;
            --lack.files;
        }
        forget(digest, is_lacking || beside++ < deleted_at_once ? File::goes_now : File::goes_with_row);
    }
}

void Vault::set_limits(ByteCount quota, ByteCount reserve) {
    settings_.quota = quota;
    settings_.reserve = reserve;
    if (!make_room(0)) spdlog::warn("store: the new quota of {} bytes cannot be reached yet", quota);
}

Usage Vault::usage() {
    count_staged();
    const auto is_unproven = [](const auto& item) { return item.second.info.changed_ns == 0; };
    const auto unproven = std::count_if(entries_.begin(), entries_.end(), is_unproven);
    return {stored_bytes_,
            staged_bytes_,
            settings_.quota,
            loose_bytes_,
            entries_.size(),
            disk_room(settings_.folder),
            static_cast<std::size_t>(unproven),
            rotten_};
}

}  // namespace packswarm::store
