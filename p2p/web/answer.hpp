// The rules for a mirror's answer (RFC 9110): header lines in, and out comes which bytes of the file the body holds, or
// why it cannot be the file that was asked for. Pure: no I/O, no clock. Errors: the kinds of
// broker::MirrorEvents::done.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "p2p/base/result.hpp"
#include "p2p/base/units.hpp"

namespace packswarm::web {

// What was asked for.
struct Wanted {
    std::string path;                        // of the address asked first
    std::optional<ByteCount> begin;          // set: a Range was asked for
    std::optional<ByteCount> end;            // of the range; without it the range goes to the end of the file
    std::optional<ByteCount> enough;         // without a Range: a longer body is cut off here
    bool takes_whole = false;                // a file that comes instead of its range is read to its end
    std::optional<ByteCount> expected_size;  // of the whole file
    ByteCount max_bytes = 0;                 // of the body
    bool conditional = false;                // If-Modified-Since was sent
    bool may_lie_outside = false;            // a range beyond the file's end (416) is an answer, not a failure
};

struct ContentRange {  // "bytes 0-99/1000" has begin 0, end 100, total 1000; "bytes */1000" only total
    std::optional<ByteRange> range;
    std::optional<ByteCount> total;
};
std::optional<ContentRange> parse_content_range(std::string_view value);

// The headers that matter, collected line by line.
struct AnswerHead {
    std::optional<ByteCount> content_length;
    std::optional<ContentRange> content_range;
    std::optional<WallTime> last_modified;
    std::string location;
    std::string retry_after;
    bool chunked = false;
    bool contradicts_itself = false;  // two different lengths
    std::size_t bytes = 0;            // of all lines

    // One header line, with or without its line end. Refused when the head grows beyond limits::max_answer_head.
    Result<void> add(std::string_view line);
    bool is_redirect(int status) const;
};

// What to take of the body.
struct BodyPlan {
    ByteCount offset = 0;             // of the body's first byte in the file
    std::optional<ByteCount> length;  // how many bytes make the answer complete; without it the server's end does
    ByteCount cap = 0;                // no byte beyond it is taken
    bool cut = false;                 // the body goes on beyond length, which is no fault: stop there
    std::optional<ByteCount> total;   // size of the whole file
    bool not_modified = false;
    bool lies_outside = false;  // the range does; total is known
};
// Where the size is known, a file of another one is Absent, whatever its headers call it: bytes alone can lie.
Result<BodyPlan> judge(const Wanted& wanted, int status, const AnswerHead& head);
// The answer to a range is the file, or a part that cannot be placed: this server is asked for whole files.
bool shows_no_ranges(const Wanted& wanted, int status, const AnswerHead& head);

// Holds a body against its plan.
class BodyGauge {
  public:
    BodyGauge() = default;
    explicit BodyGauge(const BodyPlan& plan) : plan_(plan) {}

    // How many of the next count bytes to take: fewer than count when a cut body is complete. Absent or Refused: too
    // long.
    Result<std::size_t> take(std::size_t count);
    ByteCount next_offset() const { return plan_.offset + taken_; }
    bool complete() const { return plan_.length && taken_ >= *plan_.length; }
    std::optional<ByteCount> missing() const;
    // Is it whole, now that the server has ended it? Ended by the connection alone, a short body may just have been
    // broken off.
    enum class Ending { declared, connection };
    Result<void> finish(Ending ending) const;

  private:
    BodyPlan plan_;
    ByteCount taken_ = 0;
};

}  // namespace packswarm::web
