// Delivery: the loop's end of every fetch. Batches of events come over from curl's thread as values and are
// handed to the callbacks here; whoever has cancelled hears nothing more. It also counts what the loop has not taken
// yet. Built, used and closed on the loop's thread; Backlog alone belongs to both.
#pragma once

#include <atomic>
#include <memory>
#include <unordered_map>
#include <variant>
#include <vector>

#include "p2p/base/loop.hpp"
#include "p2p/broker/ports/answers.hpp"
#include "p2p/broker/ports/mirrors.hpp"

namespace packswarm::web {

struct Chunk {
    ByteCount offset = 0;
    Bytes bytes;
};

struct Event {
    using What = std::variant<broker::MirrorHead, Chunk, Result<void>>;
    Event(broker::FetchId of, What told) : fetch(of), what(std::move(told)) {}
    broker::FetchId fetch;
    What what;
};
using Events = std::vector<Event>;

// Bytes received and not yet taken by the loop. The thread adds and pauses; the loop subtracts and wakes it.
struct Backlog {
    std::atomic<ByteCount> bytes{0};
    std::atomic<bool> thread_waits{false};
};

class Delivery {
  public:
    explicit Delivery(std::shared_ptr<Backlog> backlog) : backlog_(std::move(backlog)) {}
    void set_wake(Task wake) { wake_ = std::move(wake); }  // runs when the thread waits and the loop has caught up
    void open(broker::FetchId fetch, broker::MirrorEvents events);
    bool cancel(broker::FetchId fetch) { return fetches_.erase(fetch) > 0; }
    void deliver(Events events);
    void close();  // no callback runs afterwards, not even out of a deliver() that is under way

  private:
    void hand_over(Event& event);
    std::unordered_map<broker::FetchId, std::shared_ptr<broker::MirrorEvents>> fetches_;
    std::shared_ptr<Backlog> backlog_;
    Task wake_;
};

}  // namespace packswarm::web
