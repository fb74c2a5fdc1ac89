// rooms: gateway formats
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "formats/format.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/gateway/sites/site_request.hpp"

using namespace packswarm;

// A stranger's bytes as the gateway reads them. What is accepted must be bounded and free of anything that could leave
// its place.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto request = gateway::read_site_request(bytes, {"127.0.0.1", 7878, "packswarm-0123", formats::all()});
    if (!request) {
        const auto reply = gateway::problem_reply(request.error(), gateway::Body::sent, false, WallTime());
        const auto body = reply.substr(reply.find("\r\n\r\n") + 4);
        if (request.error().status < 400 || body.empty() || body.find('\n') != body.size() - 1) std::abort();
        return 0;
    }
    if (!*request) return 0;
    const auto& target = (*request)->target;
    const auto& head = (*request)->head;
    if (head.length > size || head.length > limits::max_http_head) std::abort();
    for (const auto& part : {target.file.repository, target.file.architecture, target.file.path}) {
        if (part == ".." || part.find('/') != std::string::npos || part.empty() == target.is_own_path()) std::abort();
    }
    if (target.url.find_first_of("\r\n \t") != std::string::npos || target.url.find('\0') != std::string::npos)
        std::abort();
    if (head.range) {
        const auto range = gateway::lay_on(*head.range, 1000);
        if (range && (range->begin < 0 || range->end > 1000 || range->empty())) std::abort();
    }
    return 0;
}
