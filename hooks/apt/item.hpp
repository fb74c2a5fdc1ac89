// AptItem: one file that apt asked for and the agent is getting: what apt allows, the bytes on their way into apt's
// file, their hashes, and the replies. Small steps, so that one big file never keeps the others waiting. Not here:
// talking to either side. Errors: any error means that apt's own method has to take over; leave() first. One thread.
#pragma once

#include <optional>
#include <string>

#include "hooks/apt/message.hpp"
#include "p2p/control/protocol.hpp"
#include "verify/hasher.hpp"

namespace packswarm::hooks {

using AptHashes = std::vector<std::pair<std::string, std::string>>;  // kind of hash, hexadecimal value

// The beginning of a file that apt's own method finds in its place. Nobody has verified it: what it becomes has to have
// these hashes.
struct AptRemainder {
    std::string file;
    AptHashes expected;
    ByteCount size = 0;  // as it was left
};

class AptItem {
  public:
    // acquire: a 600 message; raw: the same as it came; forced: the kind of hash that apt compares whatever else it
    // knows, mostly none.
    AptItem(const AptMessage& acquire, std::string raw, const std::string& forced = {});

    // Why this is one for apt's own method: only hashes are expected that cannot be computed here. Empty: it is not.
    static std::string why_not(const AptMessage& acquire);

    const std::string& uri() const { return uri_; }
    const std::string& raw() const { return raw_; }
    control::Get request(std::uint64_t id) const;

    Result<void> on_start(control::Event event);    // Refused: larger than apt allows
    bool on_progress(const control::Event& event);  // whether anything grew
    Result<void> on_done(control::Event event);

    bool is_started() const { return source_.open(); }
    bool has_work() const { return source_.open() && (written_ < target_ || is_final_); }
    ByteCount missing() const { return size_ - written_; }

    enum class Step { going, complete };
    // Copies and hashes at most one slice. Corrupt: also a second copy of the agent's file is not what apt expects.
    Result<Step> work();
    // Lets go of the file. What was copied stays for apt's own method to go on from, as that method leaves its own
    // halves; it goes when it was found wrong, or when apt knows no hash to judge the whole by. What stood there before
    // the first byte of ours stays.
    std::optional<AptRemainder> leave(const Error& reason);
    void discard();  // removes what was written

    AptMessage start_message() const;
    AptMessage done_message() const;
    AptMessage unchanged_message();  // removes apt's half file, as apt's own method does

  private:
    Result<void> open_target();
    Result<void> copy_slice(ByteRange slice);
    Result<Step> check();
    Result<void> check_size(ByteCount size) const;
    void date() const;

    std::string raw_, uri_, filename_;
    AptHashes expected_;
    std::optional<Digest> digest_;  // what apt expects, if it knows
    std::optional<ByteCount> expected_size_;
    ByteCount max_size_ = 0;
    std::string since_;

    FileHandle source_, out_;
    verify::MultiHasher hasher_;
    std::map<std::string, std::string> hashes_;
    std::optional<WallTime> modified_;
    std::optional<Digest> agent_digest_;
    ByteCount size_ = 0, written_ = 0, target_ = 0, received_ = 0;
    bool is_final_ = false, is_second_copy_ = false;
};

}  // namespace packswarm::hooks
