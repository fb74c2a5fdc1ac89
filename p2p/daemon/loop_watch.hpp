// LoopWatch: how late the loop is. All of the agent's work waits for its one thread, so whatever keeps that thread is a
// fault. Tells the service manager that the loop turns (WatchdogSec, sd_watchdog_enabled(3)); the worst lateness stands
// in status. With a limit, as tests set one, a second thread looks on: what the loop spends beyond it in one piece,
// asleep or computing and not only waiting for a processor (schedstat's run delay), is a mishap, which tells where the
// kernel held it.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "p2p/base/lifetime.hpp"
#include "p2p/base/loop.hpp"
#include "p2p/daemon/lateness.hpp"

namespace packswarm::daemon {

class LoopWatch {
  public:
    // limit from $PACKSWARM_LOOP_LIMIT_MS; zero: nobody looks on. On the loop's thread.
    explicit LoopWatch(Loop& loop);
    ~LoopWatch();

    Millis worst() const { return worst_; }  // since the start, of the looks every few seconds
    bool is_looked_on() const { return looker_.joinable(); }
    const Lateness& lateness() const { return lateness_; }  // by its own doing, where somebody looks on

  private:
    class Look;
    void beat();
    void look_on();
    void judge(const Look& look);

    Loop& loop_;
    const Millis interval_;
    const Millis limit_;
    const int thread_id_;  // the loop's
    bool has_watchdog_ = false;
    Millis worst_{0};
    Lateness lateness_;
    TimerId timer_ = TimerId::none;
    std::mutex mutex_;
    std::condition_variable over_;
    bool is_over_ = false;
    std::thread looker_;
    Lifetime lifetime_;
};

}  // namespace packswarm::daemon
