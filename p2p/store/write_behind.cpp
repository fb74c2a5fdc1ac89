#include "p2p/store/write_behind.hpp"

#include <utility>

#include "p2p/base/log.hpp"

namespace packswarm::store {

namespace {

constexpr std::size_t most_waiting = 512;

}  // namespace

WriteBehind::WriteBehind(std::unique_ptr<Database> database, std::filesystem::path path, Workers* workers)
    : path_(std::move(path)), workers_(workers), database_(std::move(database)) {
    if (workers_ != nullptr) database_->leave_log();
}

void WriteBehind::later(std::string lost, Change change) {
    bool needs_worker = false, is_crowded = workers_ == nullptr;
    {
        const std::lock_guard lock(queue_);
        waiting_.push_back({std::move(lost), std::move(change)});
        is_crowded = is_crowded || waiting_.size() >= most_waiting;
        needs_worker = workers_ != nullptr && !std::exchange(has_worker_, true);
    }
    if (needs_worker) give_to_worker();
    if (is_crowded) catch_up();
}

void WriteBehind::give_to_worker() {
    workers_->run([self = shared_from_this()]() -> Task {
        do {
            self->catch_up();
            self->shorten_log();
        } while (!self->is_done());
        return {};
    });
}

bool WriteBehind::is_done() {
    const std::lock_guard lock(queue_);
    has_worker_ = !waiting_.empty();
    return !has_worker_;
}

void WriteBehind::catch_up() {
    const std::lock_guard database(writing_);
    std::vector<Waiting> batch;
    {
        const std::lock_guard lock(queue_);
        batch = std::exchange(waiting_, {});
    }
    if (!batch.empty()) make(batch);
}

// All or none: when one of them fails, each has a transaction of its own.
void WriteBehind::make(const std::vector<Waiting>& batch) {
    const auto all = database_->transaction([&]() -> Result<void> {
        for (const auto& one : batch)
            if (auto made = one.change(*database_); !made) return made;
        return {};
    });
    if (all) return;
    for (const auto& one : batch) {
        const auto made = database_->transaction([&] { return one.change(*database_); });
        if (!made) spdlog::error("ledger: {}: {}", one.lost, made.error().message);
    }
}

Result<void> WriteBehind::now(Sync sync, const Change& change) {
    const std::lock_guard lock(writing_);
    if (auto set = database_->set_sync(sync); !set) return set;
    const auto made = database_->transaction([&] { return change(*database_); });
    const auto set_back = database_->set_sync(Sync::normal);
    return made ? set_back : made;
}

// By a connection of its own, so that nobody who reads has to wait for it.
void WriteBehind::shorten_log() {
    {
        const std::lock_guard lock(writing_);
        if (!database_->has_long_log()) return;
    }
    if (const auto done = Database::checkpoint(path_); !done)
        spdlog::warn("ledger: its log stays long: {}", done.error().message);
}

}  // namespace packswarm::store
