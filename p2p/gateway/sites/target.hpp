// What a request-target means (RFC 9112 3.2): a path of the gateway's own, which some format knows, or an absolute
// address, as proxies get them. All spellings of a path are folded to one. A path must be asked of us by our own
// address: a web page whose name was rebound to this machine (DNS rebinding) asks by its name. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "p2p/core/format.hpp"
#include "p2p/gateway/http/reply.hpp"

namespace packswarm::gateway {

struct Target {
    std::string url;  // absolute form: the address as it was written, without password; empty for a path of our own
    core::Format format = {};  // whose path it is
    core::GatewayFile file = {};
    bool is_own_path() const { return url.empty(); }
};

struct Door {             // our end of the connection
    std::string address;  // "127.0.0.1", "::1"
    int port = 0;
    std::string via;        // our name in Via
    core::Formats formats;  // whose paths are known
};

// host: the Host header's value; none: HTTP/1.0 without one. One that is no host and port, or another than that of an
// absolute target, is refused: RFC 9112 3.2.2 would have it ignored, but whoever stands in between may have believed
// it.
tl::expected<Target, Problem> parse_target(std::string_view target, std::optional<std::string_view> host,
                                           const Door& door);

}  // namespace packswarm::gateway
