// Logging: one line per event on standard error, through spdlog. Text that a stranger sent goes through printable().
// Any thread.
#pragma once

#include <spdlog/spdlog.h>

#include <string>
#include <string_view>

namespace packswarm {

// The text with control characters and bytes above 126 escaped, cut to max_length: safe for logs, terminals and
// protocols.
std::string printable(std::string_view text, std::size_t max_length = 200);

}  // namespace packswarm
