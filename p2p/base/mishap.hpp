// Mishaps: exceptions that reached the edge of what a stranger or a client had asked for. They end that request or
// session and nothing else; each is logged with its place and counted, and the count stands in `packswarm status`. Any
// thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace packswarm {

// place: what was being done, as "control: explain". what may hold a stranger's text.
void note_mishap(std::string_view place, std::string_view what);

std::uint64_t mishaps();  // since the process began

}  // namespace packswarm
