// IoThread: an io_context that runs on a thread of its own, as the daemon's loop does, while the test's thread blocks
// in clients. Everything that belongs to the loop is touched through run() or until().
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <functional>
#include <future>
#include <thread>

namespace packswarm::test {

class IoThread {
  public:
    IoThread() : guard_(boost::asio::make_work_guard(io_)), thread_([this] { io_.run(); }) {}
    ~IoThread() {
        guard_.reset();
        io_.stop();
        thread_.join();
    }

    boost::asio::io_context& io() { return io_; }

    // Runs work on the loop's thread and gives back what it returned.
    template <class Work>
    auto run(Work work) -> decltype(work()) {
        std::packaged_task<decltype(work())()> task(std::move(work));
        auto result = task.get_future();
        boost::asio::post(io_, [&task] { task(); });
        return result.get();
    }

    // Waits until the condition, looked at on the loop's thread, holds; false when the deadline passed first.
    bool until(const std::function<bool()>& condition, std::chrono::milliseconds deadline = std::chrono::seconds(10)) {
        const auto end = std::chrono::steady_clock::now() + deadline;
        while (!run(condition)) {
            if (std::chrono::steady_clock::now() > end) return false;
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        return true;
    }

  private:
    boost::asio::io_context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
    std::thread thread_;
};

}  // namespace packswarm::test
