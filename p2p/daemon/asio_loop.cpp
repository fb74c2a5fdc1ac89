#include "p2p/daemon/asio_loop.hpp"

#include <boost/asio/post.hpp>
#include <exception>
#include <utility>

#include "p2p/base/mishap.hpp"
#include "p2p/base/stop.hpp"

namespace packswarm::daemon {

void AsioLoop::run() {
    while (!io_.stopped()) try {
            io_.run();
        } catch (const std::exception& error) {
            note_mishap("a task of the loop", error.what());
        }
}

void AsioLoop::post(Task task) { boost::asio::post(io_, std::move(task)); }

TimerId AsioLoop::after(Millis delay, Task task) {
    const TimerId id{++last_timer_};
    auto& timer = timers_[id] = std::make_unique<boost::asio::steady_timer>(io_, delay);
    timer->async_wait([this, id, task = std::move(task)](const boost::system::error_code& error) {
        // A timer cancelled after it fired comes here without an error: the table knows.
        if (!error && timers_.erase(id) == 1) task();
    });
    return id;
}

void AsioLoop::cancel(TimerId timer) { timers_.erase(timer); }

TimePoint AsioLoop::now() const { return std::chrono::steady_clock::now(); }

WallTime AsioLoop::wall_now() const { return std::chrono::floor<Seconds>(std::chrono::system_clock::now()); }

WorkerPool::~WorkerPool() {
    stop();
    threads_.join();
}

void WorkerPool::stop() {
    stopped_ = true;
    threads_.stop();
}

void WorkerPool::run(std::function<Task()> job) {
    boost::asio::post(threads_, [this, job = std::move(job)] {
        const StopScope scope(stopped_);
        try {
            if (Task task = job()) loop_.post(std::move(task));
        } catch (const std::exception& error) {
            note_mishap("a worker's job", error.what());
        }
    });
}

}  // namespace packswarm::daemon
