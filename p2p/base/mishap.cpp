#include "p2p/base/mishap.hpp"

#include <atomic>

#include "p2p/base/log.hpp"

namespace packswarm {

namespace {
std::atomic<std::uint64_t> count{0};
}  // namespace

void note_mishap(std::string_view place, std::string_view what) {
    ++count;
    spdlog::error("a fault of this agent: {}: {}", printable(place), printable(what, 400));
}

std::uint64_t mishaps() { return count; }

}  // namespace packswarm
