// The control protocol: one JSON object per line; commands go to the agent, events come back; a line that says
// "fd":true comes with one descriptor (SCM_RIGHTS). Here: the messages and their text. Not here: sockets (wire.hpp),
// JSON types. Errors: Refused for lines that break the protocol. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "p2p/base/digest.hpp"
#include "p2p/base/file.hpp"
#include "p2p/base/result.hpp"

namespace packswarm::control {

inline constexpr int protocol_version = 1;

struct Hello {          // the first command of a connection
    std::string asker;  // "apt", "pacman" or "cli"
    int version = protocol_version;
};

struct Get {  // fetch one file; answered by start?, progress*, then one of done, not_modified, failed
    std::uint64_t id = 0;
    std::string url;
    std::optional<Digest> digest;
    std::optional<ByteCount> size;
    ByteCount max_size = 0;  // 0: the limit of the file's kind
    std::optional<WallTime> since;
    std::string lists;    // apt's folder of package lists, when this file goes there
    bool stored = false;  // what the agent's store has under the digest, or nothing: no address is asked
};

struct Cancel {  // of a get: no more events of that id once the agent has read it
    std::uint64_t id = 0;
};

// What a query may be about; README.md says which operation reads which. They stand beside op and id on the line.
struct Arguments {
    std::string package = {};                // a name, a part of a path or a digest in hex
    std::optional<std::int64_t> limit = {};  // of rows
    std::string path = {};                   // a name to show
    std::optional<Digest> digest = {};       // "sha256"
    std::string repository = {};             // an id or a suite
    std::string leave = {};                  // what is let pass: older or expired
    std::optional<std::int64_t> seconds = {};
    std::string manifest = {};  // what a bundle says of a root (core/parcel.hpp)
    friend bool operator==(const Arguments&, const Arguments&) = default;
};

struct Query {  // owner's and information operations; answered by one answer or failed
    std::uint64_t id = 0;
    std::string op;  // one of those known to is_query
    Arguments args = {};
    bool with_file = false;  // one descriptor comes with the line
};

using Command = std::variant<Hello, Get, Cancel, Query>;

// status explain mirrors peers share import refresh accept doctor bundle stored import_root prefetch...
bool is_query(std::string_view op);
bool is_for_owner(std::string_view op);  // those that change or hand out more: root and the agent's own user only

std::string to_line(const Command& command);  // ends with '\n'; bytes that are not UTF-8 are replaced
Result<Command> parse_command(std::string_view line);

enum class EventKind { start, progress, done, not_modified, failed, answer };

struct Source {          // what one source gave to a file
    std::string kind;    // "mirror", "peer" or "cache"
    std::string source;  // mirror address or peer endpoint
    ByteCount bytes = 0;
};

struct Event {
    EventKind kind = EventKind::failed;
    std::uint64_t id = 0;                          // 0: about the connection, not about one command
    ByteCount size = 0;                            // start, done
    std::optional<WallTime> modified;              // start, progress, done
    ByteCount received = 0, prefix = 0, safe = 0;  // progress, as in broker::Progress
    std::optional<Digest> digest;                  // done: computed by the agent from the bytes it has
    std::vector<Source> sources;                   // done
    Error error;                                   // failed
    std::string result;                            // answer: JSON text
    bool with_file = false;                        // start, done: a descriptor comes with the line
    FileHandle file;  // start: the file being put together; done: the file. For reading by offset only
};

std::string to_line(const Event& event);  // ends with '\n'
Result<Event> parse_event(std::string_view line);

}  // namespace packswarm::control
