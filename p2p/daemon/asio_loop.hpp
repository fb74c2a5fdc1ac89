// AsioLoop: the Loop of base over the daemon's io_context. WorkerPool: two threads for hashing, signatures and index
// parsing.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstddef>
#include <memory>
#include <unordered_map>

#include "p2p/base/loop.hpp"

namespace packswarm::daemon {

class AsioLoop final : public Loop {
  public:
    explicit AsioLoop(boost::asio::io_context& io) : io_(io) {}
    void post(Task task) override;
    TimerId after(Millis delay, Task task) override;
    void cancel(TimerId timer) override;
    TimePoint now() const override;
    WallTime wall_now() const override;

    // Until the io_context has ended. What a task or handler throws ends that one, and is noted (mishap.hpp).
    void run();

  private:
    boost::asio::io_context& io_;
    std::unordered_map<TimerId, std::unique_ptr<boost::asio::steady_timer>> timers_;
    std::uint64_t last_timer_ = 0;
};

class WorkerPool final : public Workers {
  public:
    explicit WorkerPool(Loop& loop, std::size_t threads = 2) : loop_(loop), threads_(threads) {}
    ~WorkerPool() override;  // stops it, and waits for the jobs that run
    void stop();             // they end where they next ask (stop.hpp); those that have not begun never do
    void run(std::function<Task()> job) override;

  private:
    Loop& loop_;
    std::atomic<bool> stopped_ = false;
    boost::asio::thread_pool threads_;
};

}  // namespace packswarm::daemon
