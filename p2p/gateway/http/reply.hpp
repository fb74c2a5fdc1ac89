// Replies as text: the head of an answer with a file, and whole answers that say what is wrong in one line (RFC 9110,
// 9112). Not here: sending them. Any thread.
#pragma once

#include <optional>
#include <string>

#include "p2p/base/result.hpp"
#include "p2p/base/units.hpp"

namespace packswarm::gateway {

struct Problem {
    int status = 500;
    std::string message;  // one line for a person: what and why; made printable when it is sent
    std::optional<Seconds> retry_after = std::nullopt;
};

// pacman takes every status from 400 on as "ask the next server"; apt tries a 5xx again and takes a 4xx for final.
Problem problem_of(const Error& error);

struct FileHead {
    ByteCount size = 0;              // of the whole file
    std::optional<ByteRange> range;  // the part that follows, when one was asked for (206)
    std::optional<WallTime> modified;
    bool keep_alive = true;
};

std::string file_head(const FileHead& head, WallTime now);
// The same again, from the start of the client's patience.
std::string again_reply(std::string_view spelling, bool keep_alive, WallTime now);
std::string not_modified_reply(std::optional<WallTime> modified, bool keep_alive, WallTime now);
std::string out_of_range_reply(ByteCount size, bool keep_alive, WallTime now);  // 416

enum class Body { sent, left_out };  // left out in answers to HEAD; Content-Length is the same
std::string problem_reply(const Problem& problem, Body body, bool keep_alive, WallTime now);

}  // namespace packswarm::gateway
