#include "p2p/control/closing.hpp"

#include <deque>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>

#include "p2p/base/mishap.hpp"

namespace packswarm::control {

struct Closing::State {
    struct Job {
        std::vector<FileHandle> files;
        std::function<void()> closed;
    };
    std::mutex mutex;
    std::map<unsigned, std::deque<Job>> lanes;  // by user; one that is there has a thread
    bool over = false;

    void run(unsigned uid) {
        std::unique_lock lock(mutex);
        for (auto& lane = lanes[uid]; !lane.empty(); lane.pop_front()) {
            auto files = std::move(lane.front().files);
            lock.unlock();
            files.clear();
            lock.lock();
            if (lane.front().closed && !over) lane.front().closed();
        }
        lanes.erase(uid);
    }
};

Closing::Closing() : state_(std::make_shared<State>()) {}

void Closing::end() {
    const std::lock_guard lock(state_->mutex);
    state_->over = true;
}

// The thread has its own share of the state: it may be in a close that never ends when we do.
void Closing::close(unsigned uid, std::vector<FileHandle> files, std::function<void()> closed) {
    const std::lock_guard lock(state_->mutex);
    const bool is_new = state_->lanes.count(uid) == 0;
    state_->lanes[uid].push_back({std::move(files), std::move(closed)});
    if (!is_new) return;
    try {
        std::thread([state = state_, uid] { state->run(uid); }).detach();
    } catch (const std::system_error& error) {  // no thread to be had: better late than never
        note_mishap("control: closing", error.what());
        auto jobs = std::move(state_->lanes.extract(uid).mapped());
        for (auto& job : jobs) {
            job.files.clear();
            if (job.closed && !state_->over) job.closed();
        }
    }
}

PassedFile::~PassedFile() {
    if (!file_.open() || !closing_) return;
    std::vector<FileHandle> files;
    files.push_back(std::move(file_));
    closing_->close(uid_, std::move(files));
}

}  // namespace packswarm::control
