// import_bundle: brings a bundle's folder to the agent: of each repository the root, then its lists, then its packages.
// The agent judges each; what it refuses is told with its reason, and nothing that it has is lost. Not here: the folder
// (parcel_folder.hpp), making one (bundle.hpp). One thread.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "p2p/cli/fetch.hpp"

namespace packswarm::cli {

struct ImportWish {
    std::string socket;
    std::filesystem::path folder;
    std::function<void(const FetchProgress&)> progress;
};

// What became of one repository of the bundle, for one repository of this machine.
struct ImportedRepository {
    std::string name;                  // as the bundle calls it
    std::string id;                    // of this machine's; empty: none could be asked
    std::string state, message;        // updated, known or refused, and why
    std::optional<std::int64_t> date;  // of the index, seconds since the epoch
};

struct ImportOutcome {
    std::vector<ImportedRepository> repositories;
    std::size_t taken = 0, known = 0, unlisted = 0, refused = 0, passed_over = 0;  // lists and packages
    std::vector<std::string> problems;                                             // one line each; none: all went well
};

Result<ImportOutcome> import_bundle(const ImportWish& wish);
std::string as_json(const ImportOutcome& outcome);
std::string as_text(const ImportOutcome& outcome);

}  // namespace packswarm::cli
