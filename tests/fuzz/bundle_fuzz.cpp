// rooms: core
// A bundle as a peer gives it: what is unpacked is packed again to the same bytes.
#include <cstdint>
#include <cstdlib>

#include "p2p/core/bundle.hpp"

using namespace packswarm;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes bytes(data, data + size);
    const auto bundle = core::unpack_bundle(bytes);
    if (!bundle) return 0;
    if (bundle->root.size() > size || (bundle->signature && bundle->signature->size() > size)) std::abort();
    const auto again = core::unpack_bundle(core::pack_bundle(*bundle));
    if (!again || again->root != bundle->root || again->signature != bundle->signature) std::abort();
    return 0;
}
