#include "tests/support/test_loop.hpp"

namespace packswarm::test {

TimerId TimerQueue::add(TimePoint when, Task task) {
    const auto id = ++last_;
    timers_.emplace(std::pair(when, id), std::move(task));
    by_id_.emplace(id, when);
    return static_cast<TimerId>(id);
}

void TimerQueue::cancel(TimerId timer) {
    const auto id = static_cast<std::uint64_t>(timer);
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return;
    timers_.erase({found->second, id});
    by_id_.erase(found);
}

std::optional<TimePoint> TimerQueue::next() const {
    if (timers_.empty()) return std::nullopt;
    return timers_.begin()->first.first;
}

Task TimerQueue::take_due(TimePoint now) {
    if (timers_.empty() || timers_.begin()->first.first > now) return {};
    auto first = timers_.extract(timers_.begin());
    by_id_.erase(first.key().second);
    return std::move(first.mapped());
}

// Tasks may own what posts more tasks when it goes: let go of them one by one, without the lock.
TestLoop::~TestLoop() {
    for (;;) {
        Task task;
        const std::lock_guard lock(mutex_);
        if (tasks_.empty()) return;
        task = std::move(tasks_.front());
        tasks_.pop_front();
    }
}

void TestLoop::post(Task task) {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    posted_.notify_one();
}

WallTime TestLoop::wall_now() const { return std::chrono::floor<Seconds>(std::chrono::system_clock::now()); }

std::size_t TestLoop::pending() {
    const std::lock_guard lock(mutex_);
    return tasks_.size();
}

Task TestLoop::next_task(TimePoint deadline) {
    for (;;) {
        if (auto due = timers_.take_due(now())) return due;
        std::unique_lock lock(mutex_);
        if (!tasks_.empty()) {
            Task task = std::move(tasks_.front());
            tasks_.pop_front();
            return task;
        }
        if (now() >= deadline) return {};
        posted_.wait_until(lock, std::min(deadline, timers_.next().value_or(deadline)));
    }
}

bool TestLoop::run_until(const std::function<bool()>& done, Millis deadline) {
    const auto end = now() + deadline;
    while (!done()) {
        const Task task = next_task(end);
        if (!task) return done();
        task();
        if (now() >= end) return done();
    }
    return true;
}

void TestLoop::run_for(Millis time) {
    run_until([] { return false; }, time);
}

TestWorkers::TestWorkers(Loop& loop, int threads) : loop_(loop) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

TestWorkers::~TestWorkers() {
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
    }
    changed_.notify_all();
    for (auto& thread : threads_) thread.join();
}

void TestWorkers::run(std::function<Task()> job) {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    changed_.notify_one();
}

void TestWorkers::work() {
    for (;;) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return closing_ || !jobs_.empty(); });
        if (jobs_.empty()) return;
        auto job = std::move(jobs_.front());
        jobs_.pop_front();
        lock.unlock();
        if (Task answer = job()) loop_.post(std::move(answer));
    }
}

FakeLoop::FakeLoop(WallTime start) : wall_start_(start) {}

FakeLoop::~FakeLoop() {
    while (!tasks_.empty()) {
        const Task task = std::move(tasks_.front());
        tasks_.pop_front();
    }
}

WallTime FakeLoop::wall_now() const { return wall_start_ + std::chrono::floor<Seconds>(now_ - start_); }

void FakeLoop::run(std::function<Task()> job) {
    post([this, job = std::move(job)] {
        if (Task answer = job()) post(std::move(answer));
    });
}

Task FakeLoop::take() {
    if (tasks_.empty()) return timers_.take_due(now_);
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    return task;
}

void FakeLoop::drain() {
    while (const Task task = take()) task();
}

bool FakeLoop::step() {
    Task task = take();
    if (const auto next = timers_.next(); !task && next) {
        now_ = *next;
        task = take();
    }
    if (!task) return false;
    task();
    return true;
}

void FakeLoop::advance(Millis time) {
    const auto end = now_ + time;
    for (;;) {
        drain();
        const auto next = timers_.next();
        if (!next || *next > end) break;
        now_ = *next;
    }
    now_ = end;
}

bool FakeLoop::advance_until(const std::function<bool()>& done, Millis limit) {
    const auto end = now_ + limit;
    for (;;) {
        drain();
        if (done()) return true;
        const auto next = timers_.next();
        if (!next || *next > end) return false;
        now_ = *next;
    }
}

}  // namespace packswarm::test
