#include "p2p/base/stop.hpp"

#include <utility>

namespace packswarm {

namespace {
thread_local const std::atomic<bool>* flag_of_thread = nullptr;
}

StopScope::StopScope(const std::atomic<bool>& flag) : before_(std::exchange(flag_of_thread, &flag)) {}
StopScope::~StopScope() { flag_of_thread = before_; }

bool is_stopped() { return flag_of_thread != nullptr && flag_of_thread->load(std::memory_order_relaxed); }

Result<void> unless_stopped() {
    if (is_stopped()) return fail(ErrorKind::Transient, "the agent is ending");
    return {};
}

}  // namespace packswarm
