// Mirrors over HTTP(S); implemented by web::MirrorClient.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "p2p/base/units.hpp"
#include "p2p/broker/ports/answers.hpp"
#include "p2p/broker/terms.hpp"

namespace packswarm::broker {

struct MirrorRequest {
    std::string url;                 // absolute
    std::optional<ByteRange> range;  // asks for these bytes only
    bool takes_whole =
        false;  // with a range: a server that sends the file instead is read from its first byte to its last
    std::optional<ByteCount> enough;         // without a range: of the whole file only the bytes before this are wanted
    std::optional<ByteCount> expected_size;  // whole file's size when an index lists it; a file of any other is Absent
    ByteCount max_bytes = 0;                 // the body may not be longer, whatever the mirror says
    std::optional<WallTime> if_modified_since;
    Terms terms = {};              // of who asked; not beside a range
    Millis stall_timeout{10'000};  // no byte for this long: Transient
};

struct MirrorHead {
    std::optional<ByteCount> total_size;  // of the whole file, from Content-Range or Content-Length
    std::optional<WallTime> last_modified;
    bool not_modified = false;      // 304: no data follows
    std::optional<Part> part = {};  // the answer to terms with a part: what follows; empty after a 416
    // The answer to a range was the file, or no usable part. Data follow when the file is taken whole, or the range
    // begins it; else done says Refused.
    bool ignores_range = false;
    std::string effective_url;  // after redirects
    double first_byte_s = 0;    // seconds from the request being sent to the first byte of the answer
};

struct MirrorEvents {
    std::function<void(const MirrorHead&)> head;             // at most once, before data
    std::function<void(ByteCount offset, Bytes data)> data;  // in order; offset counts from the start of the whole file
    std::function<void(Result<void>)> done;                  // exactly once and last, except after cancel: nothing more
};
// done's errors: Absent 404/410, and whatever has another length than the artifact; Transient 5xx, 429, connection,
// DNS, stall; Refused redirect https->http, too many redirects, over max_bytes, other 4xx, answers that make no sense,
// server ignores Range. Never Corrupt: bytes can be wrong, headers cannot.

class Mirrors {
  public:
    virtual ~Mirrors() = default;
    virtual FetchId start(MirrorRequest request, MirrorEvents events) = 0;
    virtual void cancel(FetchId fetch) = 0;  // unknown or finished ids are fine
};

}  // namespace packswarm::broker
