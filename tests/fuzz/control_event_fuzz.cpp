// rooms: control
// A line of the agent as apt's method and the command line read it: what it quotes is printable, and what is read is
// written as one line that reads the same.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "p2p/control/protocol.hpp"

using namespace packswarm;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string line(reinterpret_cast<const char*>(data), size);
    const auto event = control::parse_event(line);
    if (!event) return 0;
    for (const char c : event->error.message)
        if (static_cast<unsigned char>(c) < 32 || c == 127) std::abort();
    const auto text = control::to_line(*event);
    if (text.empty() || text.find('\n') != text.size() - 1) std::abort();
    const auto again = control::parse_event(text);
    if (!again || again->kind != event->kind || again->id != event->id) std::abort();
    // A failure's words are escaped once more each time they are read.
    if (event->kind != control::EventKind::failed && control::to_line(*again) != text) std::abort();
    return 0;
}
