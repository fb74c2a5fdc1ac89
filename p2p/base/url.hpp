// Url: the absolute http and https addresses that mirrors and package managers use (RFC 3986, RFC 9110 4.2), taken apart.
// Percent-encodings are folded to one spelling, so %2B and +, %3A and : name the same file. Not here: fetching.
#pragma once

#include <string>
#include <string_view>

#include "p2p/base/result.hpp"

namespace packswarm {

struct Url {
    std::string scheme;  // "http" or "https", lower case
    std::string host;    // lower case, IPv6 in brackets
    int port = 0;        // never 0 after parse: 80 or 443 when the text has none
    std::string path;    // decoded, starts with '/', no "." or ".." segments
    std::string query;   // as written, without '?'
    bool has_credentials = false;

    // Refused for anything but http(s), for control characters, NUL, traversal, and texts over limits::max_url.
    static Result<Url> parse(std::string_view text);
    std::string origin() const;   // scheme://host[:port] without a default port
    std::string text() const;     // origin + encoded path [+ ?query]; never credentials
};

// Decodes %XX; nullopt-like empty Result (Refused) for bad digits, control characters or traversal segments.
Result<std::string> decode_path(std::string_view encoded);
std::string encode_path(std::string_view decoded);  // keeps unreserved characters, '/', '+', ':', '~', '@' and '='

}  // namespace packswarm
