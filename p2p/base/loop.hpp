// Loop: the one thread that owns all our state, as an interface, so that a test can put a fake clock under it.
// Workers: the small pool for hashing, signatures and index parsing. Values cross threads, objects never do.
#pragma once

#include <cstdint>
#include <functional>

#include "p2p/base/units.hpp"

namespace packswarm {

using Task = std::function<void()>;

enum class TimerId : std::uint64_t { none = 0 };

class Loop {
  public:
    virtual ~Loop() = default;
    virtual void post(Task task) = 0;                    // any thread; runs later, in order, on the loop's thread
    virtual TimerId after(Millis delay, Task task) = 0;  // loop's thread; fires once
    virtual void cancel(TimerId timer) = 0;              // loop's thread; unknown or fired timers are fine
    virtual TimePoint now() const = 0;                   // any thread
    virtual WallTime wall_now() const = 0;               // any thread
};

class Workers {
  public:
    virtual ~Workers() = default;
    // Runs job on a worker thread, then what job returned on the loop's thread. Jobs must not throw.
    virtual void run(std::function<Task()> job) = 0;
};

}  // namespace packswarm
