#include "p2p/daemon/loop_watch.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "p2p/base/log.hpp"
#include "p2p/base/mishap.hpp"
#include "p2p/daemon/notify.hpp"

namespace packswarm::daemon {

namespace {

constexpr auto usual_interval = Millis(5'000);
constexpr auto look_interval = Millis(10);

Millis from_environment(const char* name, std::int64_t unit) {
    const char* text = std::getenv(name);
    std::int64_t value = 0;
    if (text == nullptr || std::from_chars(text, text + std::strlen(text), value).ec != std::errc() || value <= 0)
        return Millis(0);
    return Millis(std::min<std::int64_t>(value / unit, 3'600'000));
}

// Three beats for each WatchdogSec.
Millis beat_interval() {
    const auto watchdog = from_environment("WATCHDOG_USEC", 1000);
    return watchdog > Millis(0) ? std::clamp(watchdog / 3, Millis(1), usual_interval) : usual_interval;
}

// For how long the thread was ready to run so far and did not (proc(5), schedstat).
Millis run_delay(int thread_id) {
    std::ifstream file("/proc/self/task/" + std::to_string(thread_id) + "/schedstat");
    std::int64_t on_processor = 0, waited = 0;
    file >> on_processor >> waited;
    return Millis(waited / 1'000'000);
}

}  // namespace

LoopWatch::LoopWatch(Loop& loop)
    : loop_(loop),
      interval_(beat_interval()),
      limit_(from_environment("PACKSWARM_LOOP_LIMIT_MS", 1)),
      thread_id_(::gettid()),
      has_watchdog_(from_environment("WATCHDOG_USEC", 1000) > Millis(0)) {
    timer_ = loop_.after(interval_, [this] { beat(); });
    if (limit_ > Millis(0)) looker_ = std::thread([this] { look_on(); });
}

LoopWatch::~LoopWatch() {
    *alive_ = false;
    loop_.cancel(timer_);
    {
        const std::lock_guard lock(mutex_);
        is_over_ = true;
    }
    over_.notify_one();
    if (looker_.joinable()) looker_.join();
}

void LoopWatch::beat() {
    if (has_watchdog_) notify("WATCHDOG=1");
    const auto due = loop_.now() + interval_;
    timer_ = loop_.after(interval_, [this, due] {
        worst_ = std::max(worst_, std::chrono::duration_cast<Millis>(loop_.now() - due));
        beat();
    });
}

void LoopWatch::look_on() {
    for (;;) {
        const auto posted = loop_.now();
        const auto delay = run_delay(thread_id_);
        const auto done = std::make_shared<std::atomic<bool>>(false);
        loop_.post([this, alive = alive_, done, posted, delay] {
            *done = true;
            if (*alive) judge(std::chrono::duration_cast<Millis>(loop_.now() - posted), run_delay(thread_id_) - delay);
        });
        std::unique_lock lock(mutex_);
        do {
            if (over_.wait_for(lock, look_interval, [this] { return is_over_; })) return;
        } while (!*done);
    }
}

void LoopWatch::judge(Millis stood, Millis waited) {
    lateness_.add(stood - waited, std::max(stood, look_interval));
    if (stood - waited < limit_) return;
    note_mishap("the loop", fmt::format("it stood still for {} ms, {} of them for want of a processor", stood.count(),
                                        waited.count()));
}

}  // namespace packswarm::daemon
