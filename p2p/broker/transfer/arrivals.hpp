// Arrivals: bytes of one file that have come and do not stand in it yet. A worker writes them, in their order and one
// batch at a time, since a disk may keep whoever writes waiting. Not here: whose bytes count (incoming_file.hpp).
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "p2p/base/budget.hpp"
#include "p2p/base/lifetime.hpp"
#include "p2p/broker/ports/store.hpp"
#include "p2p/core/range_set.hpp"
#include "p2p/plan/board.hpp"

namespace packswarm::broker {

class Arrivals {
  public:
    struct Arrival {
        plan::SourceId from{};
        ByteCount offset = 0;
        Bytes data;
        core::RangeSet live;                               // what of it still counts
        std::function<void(Result<core::RangeSet>)> then;  // what of it stands in the file now
        bool is_claimed = true;                            // false: others may take its place before it is written
        ByteCount length = 0;                              // of the data, which the worker has
    };
    using Landed = std::function<void(Arrival&, const Result<void>&)>;  // it stands in the file, or the disk failed

    Arrivals(Store& store, Budget& memory, Landed landed)
        : store_(store), landed_(std::move(landed)), memory_(memory) {}
    Arrivals(const Arrivals&) = delete;
    Arrivals& operator=(const Arrivals&) = delete;

    void add(const StagedFile& file, Arrival arrival);
    core::RangeSet drop(plan::SourceId from);  // its bytes count no more; which those are
    // From here on somebody else writes into the file as well: what comes is written within the call that adds it.
    void share() { is_shared_ = true; }
    // Once the worker has nothing of this in hand, also when this is gone by then. At once where it has nothing.
    void when_landed(Task task);

  private:
    using Batch = std::vector<std::shared_ptr<Arrival>>;
    void go_on(const StagedFile& file);
    void begin(const StagedFile& file);
    void write_here(const StagedFile& file);
    void keep(ByteCount change);  // in memory
    void ended(const StagedFile& file, const Result<void>& written);

    Store& store_;
    Landed landed_;
    std::deque<std::shared_ptr<Arrival>> waiting_;
    ByteCount bytes_ = 0;  // that wait, and in the worker's hand
    Budget::Share memory_;
    Batch in_hand_;                 // of the worker
    bool may_be_replaced_ = false;  // of these, some count no more, or others take their place: those come later
    bool is_shared_ = false;
    std::shared_ptr<std::vector<Task>> afterwards_;  // once they are in the file; null: there are none
    Lifetime lifetime_;
};

}  // namespace packswarm::broker
