// Result<T>: the answer of everything that can fail, and Error, whose kind tells the caller what to do next.
// Not here: exceptions (they stop at a room's door). Any thread.
#pragma once

#include <spdlog/fmt/fmt.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace packswarm {

enum class ErrorKind {
    Absent,     // the source does not have it: ask the next one, blame nobody
    Transient,  // may work later: back off, try another source
    Corrupt,    // wrong bytes or a broken promise: blame the source, never ask it for this artifact again
    Refused,    // a policy or a limit of ours says no: stop quietly
    Broken,     // our own fault or our own disk: log loudly and let the mirrors take over
};

std::string_view to_string(ErrorKind kind);

struct Error {
    ErrorKind kind = ErrorKind::Broken;
    std::string message;  // one line for a person: what happened and, where there is one, the remedy
    // Transient: it is too busy, and wants to be left alone for so long.
    std::optional<std::chrono::seconds> retry_after = std::nullopt;
    bool has_another = false;  // Absent: another file stands in its place
};

template <class T = void>
using Result = tl::expected<T, Error>;

// return fail(ErrorKind::Absent, "no mirror has {}", path);
template <class... Args>
[[nodiscard]] tl::unexpected<Error> fail(ErrorKind kind, fmt::format_string<Args...> text, Args&&... args) {
    return tl::unexpected(Error{kind, fmt::format(text, std::forward<Args>(args)...)});
}

}  // namespace packswarm
