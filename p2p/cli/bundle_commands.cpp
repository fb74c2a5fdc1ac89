#include <cstdio>

#include "p2p/cli/bundle.hpp"
#include "p2p/cli/commands.hpp"
#include "p2p/cli/import_bundle.hpp"
#include "p2p/cli/progress_bar.hpp"

namespace packswarm::cli {

namespace {

int finish(const Common& common, const std::vector<std::string>& problems, const std::string& json,
           const std::string& text) {
    for (const auto& problem : problems) complain(problem);
    std::fputs((common.output == Output::json ? json : text).c_str(), stdout);
    return problems.empty() ? 0 : 1;
}

template <class Outcome>
int report(const Common& common, const Result<Outcome>& outcome) {
    if (!outcome) return complain(outcome.error().message);
    return finish(common, outcome->problems, as_json(*outcome), as_text(*outcome));
}

}  // namespace

int run_bundle(const Common& common, const BundleWords& words) {
    Result<BundleOutcome> outcome;
    {
        ProgressBar bar(stderr);
        BundleWish wish;
        wish.socket = common.socket;
        wish.folder = words.to;
        wish.format = words.format;
        wish.packages = words.packages;
        wish.with_private = words.with_private;
        if (!words.quiet) wish.progress = [&](const FetchProgress& progress) { bar.draw(progress); };
        outcome = make_bundle(wish);
    }
    return report(common, outcome);
}

int run_import_bundle(const Common& common, const std::string& folder, bool is_quiet) {
    Result<ImportOutcome> outcome;
    {
        ProgressBar bar(stderr);
        ImportWish wish;
        wish.socket = common.socket;
        wish.folder = folder;
        if (!is_quiet) wish.progress = [&](const FetchProgress& progress) { bar.draw(progress); };
        outcome = import_bundle(wish);
    }
    return report(common, outcome);
}

}  // namespace packswarm::cli
