// How the vault makes room: what is staged and stored against the quota, and what the disk has left, in bytes and
// inodes.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/store/leftovers.hpp"
#include "p2p/store/shelf.hpp"
#include "p2p/store/vault.hpp"

namespace packswarm::store {

namespace {
constexpr std::int64_t inodes_per_file = 3;  // its own, its note's, and that of the note's next state
constexpr ByteCount slack_share = 64;        // of the quota, freed beyond what one file needs
}  // namespace

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
            ::unlink(note_of(at->first).c_str());
            at = staged_.erase(at);
        }
    }
}

// What is to be freed before a file of size bytes may be staged.
Lack Vault::lack_for(ByteCount size) const {
    Lack lack{stored_bytes_ + staged_bytes_ + size - settings_.quota, 0};
    const auto disk = disk_room(settings_.folder);
    if (!disk) return lack;
    lack.bytes = std::max(lack.bytes, settings_.reserve + size - disk->bytes);
    if (disk->inodes) lack.files = disk->inode_reserve + inodes_per_file - *disk->inodes;
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
    const auto lack = lack_for(0);
    if (lack.files > 0 && spare == 0) return 0;
    return std::max<ByteCount>(0, spare - lack.bytes);
}

Result<void> Vault::make_room(ByteCount size) {
    if (size < 0 || size > limits::max_artifact)
        return fail(ErrorKind::Refused, "{} bytes is no artifact's size", size);
    if (lack_for(size).is_met()) return {};
    count_staged();
    if (const auto lack = lack_for(size); !lack.is_met() && spare_) {
        spare_->give_up(std::max<ByteCount>(lack.bytes, 1));
        count_staged();
    }
    const auto lack = lack_for(size);
    if (lack.is_met() || (evict(lack) && lack_for(size).is_met())) return {};
    return no_room(size);
}

tl::unexpected<Error> Vault::no_room(ByteCount size) const {
    if (const auto lack = lack_for(size); lack.files > 0 && lack.bytes <= 0)
        return fail(ErrorKind::Refused, "no room for another file: the file system of {} is short of inodes (df -i)",
                    settings_.folder.string());
    return fail(
        ErrorKind::Refused,
        "no room for {} bytes: the store holds {} of {}, {} more are being fetched, and {} of the disk stay free", size,
        stored_bytes_, settings_.quota, staged_bytes_, settings_.reserve);
}

bool Vault::evict(Lack lack) {
    std::vector<Candidate> candidates;
    candidates.reserve(entries_.size() + orphans_.size());
    for (const auto& [digest, orphan] : orphans_)
        candidates.push_back({digest, orphan.size, Worth::orphan, false, 0, 0});
    for (const auto& [digest, entry] : entries_) {
        const bool current = !is_current_ || is_current_(digest);
        const Worth worth = !current ? Worth::superseded : entry.is_root ? Worth::index : Worth::package;
        candidates.push_back({digest, entry.info.size, worth, is_open(digest), entry.replicas, entry.last_use});
    }
    const auto victims = choose_victims(std::move(candidates), lack, settings_.quota / slack_share);
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
    const auto is_unproven = [](const auto& item) { return item.second.info.changed_ns == 0; };
    const auto unproven = std::count_if(entries_.begin(), entries_.end(), is_unproven);
    return {stored_bytes_,
            staged_bytes_,
            settings_.quota,
            entries_.size(),
            disk_room(settings_.folder),
            static_cast<std::size_t>(unproven),
            rotten_};
}

}  // namespace packswarm::store
