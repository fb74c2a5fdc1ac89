// AptMessage: one message of apt's method protocol (apt: doc/method.dbk): a code, a label, fields, a blank line.
// What goes out is free of control characters, whoever wrote it (CVE-2019-3462). Not here: what the messages mean.
// Errors: Refused for texts that are no messages and for messages over limits::max_apt_message. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "p2p/base/result.hpp"
#include "p2p/base/units.hpp"

namespace packswarm::hooks {

class AptMessage {
  public:
    AptMessage(int code, std::string_view label);
    // text: the lines of one message; the blank line at its end may be missing.
    static Result<AptMessage> parse(std::string_view text);

    int code() const { return code_; }
    // The first field of that name in any case, without the blanks around its value; empty when there is none.
    std::string_view find(std::string_view name) const;
    const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

    AptMessage& add(std::string_view name, std::string_view value);  // control characters become blanks
    std::string text() const;                                        // ends with the blank line

  private:
    int code_;
    std::string label_;
    std::vector<std::pair<std::string, std::string>> fields_;
};

// Cuts a stream into messages, each with its blank line, byte for byte as they came.
class AptMessageReader {
  public:
    Result<std::vector<std::string>> feed(std::string_view bytes);

  private:
    std::string pending_;
    std::size_t scanned_ = 0;
};

// As apt writes dates: HTTP's, with "GMT", "UTC" or "+0000" at the end (apt's TimeRFC1123, RFC1123StrToTime).
std::optional<WallTime> parse_apt_date(std::string_view text);

std::optional<ByteCount> parse_byte_count(std::string_view text);  // digits only, no overflow

}  // namespace packswarm::hooks
