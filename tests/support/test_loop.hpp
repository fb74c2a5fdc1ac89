// Loops for tests. TestLoop: real time, run by the test's own thread until a condition holds. FakeLoop: a virtual clock
// that moves only by advance(), with workers that run inside the loop. TestWorkers: real threads for a TestLoop.
// TestLoop::post is for any thread; everything else belongs to the test's thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "p2p/base/loop.hpp"

namespace packswarm::test {

// Timers in the order they fire: by time, then by age.
class TimerQueue {
  public:
    TimerId add(TimePoint when, Task task);
    void cancel(TimerId timer);
    std::optional<TimePoint> next() const;
    Task take_due(TimePoint now);  // empty when none is due

  private:
    std::map<std::pair<TimePoint, std::uint64_t>, Task> timers_;
    std::map<std::uint64_t, TimePoint> by_id_;
    std::uint64_t last_ = 0;
};

class TestLoop : public Loop {
  public:
    ~TestLoop() override;
    void post(Task task) override;
    TimerId after(Millis delay, Task task) override { return timers_.add(now() + delay, std::move(task)); }
    void cancel(TimerId timer) override { timers_.cancel(timer); }
    TimePoint now() const override { return std::chrono::steady_clock::now(); }
    WallTime wall_now() const override;

    // Runs tasks and timers until done() holds, looked at before and after each of them; false when the deadline passed
    // first.
    bool run_until(const std::function<bool()>& done, Millis deadline = Millis(10'000));
    void run_for(Millis time);  // for "nothing happens any more": true waiting belongs to run_until
    std::size_t pending();      // tasks posted and not yet run

  private:
    Task next_task(TimePoint deadline);  // waits; empty at the deadline
    std::mutex mutex_;
    std::condition_variable posted_;
    std::deque<Task> tasks_;
    TimerQueue timers_;
};

class TestWorkers : public Workers {
  public:
    explicit TestWorkers(Loop& loop, int threads = 2);
    ~TestWorkers() override;  // finishes what was given to it
    void run(std::function<Task()> job) override;

  private:
    void work();
    Loop& loop_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<Task()>> jobs_;
    bool closing_ = false;
    std::vector<std::thread> threads_;
};

// One thread only. Time stands still until advance().
class FakeLoop : public Loop, public Workers {
  public:
    explicit FakeLoop(WallTime start = WallTime(Seconds(1'790'000'000)));
    ~FakeLoop() override;
    void post(Task task) override { tasks_.push_back(std::move(task)); }
    TimerId after(Millis delay, Task task) override { return timers_.add(now_ + delay, std::move(task)); }
    void cancel(TimerId timer) override { timers_.cancel(timer); }
    TimePoint now() const override { return now_; }
    WallTime wall_now() const override;
    void run(std::function<Task()> job) override;  // Workers: the job runs as one posted task, its answer as another

    bool step();                // runs one task, or the first timer and moves the clock to it; false when there is none
    void drain();               // runs what is posted, and what that posts, and timers due now
    void advance(Millis time);  // moves the clock from timer to timer, draining at each
    // Advances from timer to timer until done() holds; false when limit of virtual time passed, or nothing is left to
    // happen.
    bool advance_until(const std::function<bool()>& done, Millis limit = Millis(3'600'000));
    bool idle() const { return tasks_.empty() && !timers_.next(); }

  private:
    Task take();  // what is posted, else a timer due now; empty when there is neither
    std::deque<Task> tasks_;
    TimerQueue timers_;
    const TimePoint start_{std::chrono::hours(1000)};  // far from zero, which may mean "never"
    TimePoint now_ = start_;
    WallTime wall_start_;
};

}  // namespace packswarm::test
