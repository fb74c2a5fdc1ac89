// Turn: waits until this agent's other requests to a server have ended, for a few seconds at most. Ends with whoever
// keeps it.
#pragma once

#include "p2p/broker/source_book.hpp"

namespace packswarm::broker {

class Turn {
  public:
    Turn(Loop& loop, const SourceBook& sources, plan::SourceId source, Task then)
        : loop_(loop), sources_(sources), source_(source), then_(std::move(then)), until_(loop.now() + patience) {
        wait();
    }
    ~Turn() { loop_.cancel(timer_); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

  private:
    // The server may still count a connection whose answer has just come here.
    void wait() {
        timer_ = loop_.after(poll, [this] {
            if (sources_.is_server_busy(source_) && loop_.now() < until_) return wait();
            const auto then = std::move(then_);  // whose end may be this turn's
            then();
        });
    }

    static constexpr auto poll = Millis(100), patience = Millis(5000);
    Loop& loop_;
    const SourceBook& sources_;
    const plan::SourceId source_;
    Task then_;
    const TimePoint until_;
    TimerId timer_ = TimerId::none;
};

}  // namespace packswarm::broker
