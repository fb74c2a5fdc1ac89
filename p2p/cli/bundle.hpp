// bundle: what another machine needs to update and upgrade without a network, taken out of the agent's store into a
// folder: of each repository the newest root, its lists and the packages that are stored. Nothing of this machine goes
// with it: no address, no history, no peers. Not here: the folder itself (parcel_folder.hpp), bringing it to an agent
// (import_bundle.hpp). One thread.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "p2p/cli/fetch.hpp"
#include "p2p/core/parcel.hpp"

namespace packswarm::cli {

struct BundleWish {
    std::string socket;
    std::filesystem::path folder;
    std::string format;                 // of these repositories only; empty: of all
    std::vector<std::string> packages;  // only these; empty: all that are stored
    bool with_private = false;
    std::function<void(const FetchProgress&)> progress;
};

struct BundledRepository {
    std::string id, format, suite;
    std::optional<std::int64_t> date, valid_until;  // seconds since the epoch
    std::string why_not;                            // nothing of it was taken; empty: it was
    std::size_t indexes = 0, packages = 0;
    ByteCount bytes = 0;
};

struct BundleOutcome {
    std::vector<BundledRepository> repositories;
    std::size_t written = 0, known = 0;  // files
    ByteCount bytes = 0;                 // written
    std::vector<std::string> problems;   // what is not in it and was asked for, one line each
};

Result<BundleOutcome> make_bundle(const BundleWish& wish);
std::string as_json(const BundleOutcome& outcome);
std::string as_text(const BundleOutcome& outcome);

}  // namespace packswarm::cli
