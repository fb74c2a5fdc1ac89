// rooms: core
// The manifest of a bundle as somebody may have written it: what is read is bounded, and reads the same when it is
// written again.
#include <cstdint>
#include <cstdlib>

#include "p2p/base/limits.hpp"
#include "p2p/core/parcel.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace packswarm;
    const auto parcel = core::read_manifest({reinterpret_cast<const char*>(data), size});
    if (!parcel) return 0;
    std::size_t files = 0;
    for (const auto& one : parcel->repositories) {
        files += one.indexes.size() + one.packages.size();
        const auto& [product, contents, addresses] = one.provenance;
        if (contents.size() > limits::max_sightings || addresses.size() > limits::max_sightings) std::abort();
        if (one.root.size <= 0 || one.root.size > limits::max_artifact) std::abort();
    }
    if (files > limits::max_parcel_files) std::abort();
    const auto again = core::read_manifest(core::manifest_of(*parcel));
    if (!again || *again != *parcel) std::abort();
    return 0;
}
