// rooms: control
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "p2p/control/protocol.hpp"

using namespace packswarm::control;

// What a client sends to the agent, and what an agent sends to a client; whatever is accepted must survive being said
// again.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view line(reinterpret_cast<const char*>(data), size);
    if (const auto command = parse_command(line)) {
        std::string again = to_line(*command);
        again.pop_back();
        const auto second = parse_command(again);
        if (again.find('\n') != std::string::npos || !second || second->index() != command->index()) std::abort();
    }
    if (const auto event = parse_event(line)) {
        std::string again = to_line(*event);
        again.pop_back();
        const auto second = parse_event(again);
        if (again.find('\n') != std::string::npos || !second || second->kind != event->kind || second->id != event->id)
            std::abort();
    }
    return 0;
}
