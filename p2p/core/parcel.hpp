// Parcel: what `packswarm bundle` lays into a folder: the manifest, which names the roots, lists and packages that lie
// beside it, each under its digest (docs/bundle.md). Nothing in it is believed: what is wrong in it is refused later.
// Pure. Not here: files (cli), who takes a root (broker/desks/parcel_desk.hpp). Errors: Corrupt, Refused (too much).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "p2p/base/result.hpp"
#include "p2p/base/units.hpp"
#include "p2p/core/kinship.hpp"

namespace packswarm::core {

struct ParcelFile {
    Digest digest;
    ByteCount size = 0;
    std::string path;  // in its repository, for people
    friend bool operator==(const ParcelFile&, const ParcelFile&) = default;
};

struct ParcelRepository {
    std::string format, suite;  // as its giver calls them
    Provenance provenance;      // product: zero, the root says it
    ParcelFile root;            // pack_bundle of root and signature, or the root that carries its own
    std::vector<ParcelFile> indexes, packages;
    friend bool operator==(const ParcelRepository&, const ParcelRepository&) = default;
};

struct Parcel {
    std::vector<ParcelRepository> repositories;
    friend bool operator==(const Parcel&, const Parcel&) = default;
};

inline constexpr std::string_view parcel_manifest = "packswarm-bundle.txt";  // in the folder

std::string manifest_of(const Parcel& parcel);
Result<Parcel> read_manifest(std::string_view text);
std::string place_in_parcel(const Digest& digest);  // below the folder: "files/ab/<hex>"

}  // namespace packswarm::core
