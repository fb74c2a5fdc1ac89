// rooms: daemon
// The configuration and apt's sources as a person or a broken disk may leave them.
#include "p2p/daemon/config.hpp"
#include "p2p/daemon/learned.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    (void)packswarm::daemon::parse_config(text, "fuzz");
    packswarm::daemon::Learned learned;
    packswarm::daemon::parse_one_line_sources(text, "/nonexistent", learned);
    packswarm::daemon::parse_deb822_sources(text, "/nonexistent", learned);
    return 0;
}
