// Address: where the next request of a fetch goes, and what it says of who is asking. Redirects are followed here, not
// by libcurl: never from https to http, only to http and https, and the credentials of the first address stay at its
// origin. Errors: Refused. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "p2p/base/result.hpp"

namespace packswarm::web {

struct Address {
    std::string text;    // what is fetched; no credentials, no fragment
    std::string origin;  // scheme://host[:port]
    bool is_tls = false;
    std::string user, password;  // decoded; belong to the first address's origin
    std::string owner;           // that origin

    static Result<Address> parse(const std::string& url);
    // location may be relative (RFC 9110 10.2.2).
    Result<Address> redirect(std::string_view location) const;
    bool sends_credentials() const { return !user.empty() && origin == owner; }
};

}  // namespace packswarm::web
