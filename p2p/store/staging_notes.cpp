#include "p2p/store/staging_notes.hpp"

#include <fcntl.h>

#include <utility>

#include "p2p/base/log.hpp"
#include "p2p/base/own_files.hpp"

namespace packswarm::store {

namespace {

// Not flushed: after a power cut the old note, or none, is as good.
void write_note(const std::filesystem::path& note, ByteView record) {
    if (record.empty()) return static_cast<void>(delete_own(note));
    const std::filesystem::path fresh = note.string() + ".new";
    static_cast<void>(delete_own(fresh));
    const auto out = open_own_file(fresh, O_WRONLY | O_CREAT | O_EXCL, 0600);
    auto written = out ? write_at(*out, 0, record) : tl::unexpected(out.error());
    if (written) written = rename_own(fresh, note);
    if (!written) spdlog::warn("store: {} is not written: {}", note.string(), written.error().message);
}

}  // namespace

void StagingNotes::set(const std::filesystem::path& note, Bytes record) {
    const std::lock_guard lock(queue_);
    waiting_[note] = std::move(record);
    if (std::exchange(has_worker_, true)) return;
    workers_.run([self = shared_from_this()]() -> Task {
        self->write_all();
        return {};
    });
}

void StagingNotes::forget(const std::filesystem::path& note) {
    const std::lock_guard lock(queue_);
    waiting_.erase(note);
}

void StagingNotes::write_all() {
    const std::lock_guard writing(writing_);
    for (;;) {
        std::unique_lock lock(queue_);
        const auto batch = std::exchange(waiting_, {});
        has_worker_ = !batch.empty();
        lock.unlock();
        if (batch.empty()) return;
        for (const auto& [note, record] : batch) write_note(note, record);
    }
}

}  // namespace packswarm::store
