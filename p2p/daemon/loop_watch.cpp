#include "p2p/daemon/loop_watch.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>

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

// What the thread sleeps in, by the kernel's name for it (proc(5), wchan); empty while it runs or could.
std::string asleep_in(int thread_id) {
    std::ifstream file("/proc/self/task/" + std::to_string(thread_id) + "/wchan");
    std::string place;
    file >> place;
    return place == "0" ? "" : place;
}

}  // namespace

// One look, from when it is posted until the loop comes to it. Both threads.
class LoopWatch::Look {
  public:
    Look(TimePoint posted, Millis run_delay) : posted_(posted), run_delay_(run_delay) {}

    TimePoint posted() const { return posted_; }
    Millis run_delay() const { return run_delay_; }
    void end() { is_over_ = true; }
    bool is_over() const { return is_over_; }
    void saw(const std::string& place) {
        const std::lock_guard lock(mutex_);
        ++places_[place];
    }
    std::string where() const {  // for people; empty: it was over too soon
        const std::lock_guard lock(mutex_);
        std::string out;
        for (const auto& [place, times] : places_)
            out += fmt::format("{}{} {}", out.empty() ? "; seen " : ", ", place.empty() ? "running" : place, times);
        return out;
    }

  private:
    const TimePoint posted_;
    const Millis run_delay_;
    std::atomic<bool> is_over_{false};
    mutable std::mutex mutex_;
    std::map<std::string, int> places_;  // and how often it was seen there
};

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
    lifetime_.end();
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
        const auto look = std::make_shared<Look>(loop_.now(), run_delay(thread_id_));
        loop_.post([this, alive = lifetime_.view(), look] {
            look->end();
            if (alive) judge(*look);
        });
        std::unique_lock lock(mutex_);
        for (;;) {
            if (over_.wait_for(lock, look_interval, [this] { return is_over_; })) return;
            if (look->is_over()) break;
            look->saw(asleep_in(thread_id_));
        }
    }
}

void LoopWatch::judge(const Look& look) {
    const auto stood = std::chrono::duration_cast<Millis>(loop_.now() - look.posted());
    const auto waited = run_delay(thread_id_) - look.run_delay();
    lateness_.add(stood - waited, std::max(stood, look_interval));
    if (stood - waited < limit_) return;
    note_mishap("the loop", fmt::format("it stood still for {} ms, {} of them for want of a processor{}", stood.count(),
                                        waited.count(), look.where()));
}

}  // namespace packswarm::daemon
