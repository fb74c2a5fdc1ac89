// Url: the absolute http and https addresses that mirrors and package managers use (RFC 3986, RFC 9110 4.2), taken
// apart. path and text() fold percent-encodings and "." segments to one spelling, so %2B and +, %3A and : name the same
// file here. What a server is asked for is asked(): some servers read '+' as a blank, or %25 and %2525 as two files.
// Not here: fetching.
#pragma once

#include <string>
#include <string_view>

#include "p2p/base/result.hpp"

namespace packswarm {

struct Url {
    std::string scheme;        // "http" or "https", lower case
    std::string host;          // lower case, IPv6 in brackets
    int port = 0;              // never 0 after parse: 80 or 443 when the text has none
    std::string path;          // decoded, starts with '/', no "." or ".." segments
    std::string spelled_path;  // the same as it was written
    std::string query;         // as written, without '?'
    bool has_credentials = false;

    // Refused for anything but http(s), for control characters, NUL, traversal, and texts over limits::max_url.
    static Result<Url> parse(std::string_view text);
    std::string origin() const;  // scheme://host[:port] without a default port
    std::string text() const;    // origin + encoded path [+ ?query]; never credentials
    std::string asked() const;   // the same with the path as it was written
};

// Decodes %XX and folds "." segments; Refused for bad digits, control characters and ".." segments.
Result<std::string> decode_path(std::string_view encoded);
// Keeps unreserved characters, '/', ':', '~', '@' and '='. '+' becomes %2B, as apt writes it: object stores read a bare
// one as a blank.
std::string encode_path(std::string_view decoded);

}  // namespace packswarm
