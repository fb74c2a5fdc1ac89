// Whether the work on this thread is to end early. Whoever lends a thread to long work says so; loops over many bytes
// ask between blocks. Not here: what has not begun (its thread's owner drops it). Any thread.
#pragma once

#include <atomic>

#include "p2p/base/result.hpp"

namespace packswarm {

// While it lives, this flag is the one that work on its thread looks at. Without any, work goes on to its end.
class StopScope {
  public:
    explicit StopScope(const std::atomic<bool>& flag);
    ~StopScope();
    StopScope(const StopScope&) = delete;
    StopScope& operator=(const StopScope&) = delete;

  private:
    const std::atomic<bool>* before_;
};

bool is_stopped();
Result<void> unless_stopped();  // Transient

}  // namespace packswarm
