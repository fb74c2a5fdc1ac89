// rooms: base
// An address: what is asked for holds nothing that could be a second line, no password, and reads the same again.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "p2p/base/url.hpp"

using namespace packswarm;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto url = Url::parse(text);
    if (!url) return 0;
    for (const auto& said : {url->text(), url->asked(), url->origin()})
        for (const char c : said)
            if (static_cast<unsigned char>(c) <= 32 || c == 127) std::abort();
    if (url->port < 1 || url->port > 65535) std::abort();
    const auto again = Url::parse(url->asked());
    if (!again || again->path != url->path || again->host != url->host || again->port != url->port) std::abort();
    return 0;
}
