#include <cstdio>
#include <iostream>

#include "p2p/base/log.hpp"
#include "p2p/cli/commands.hpp"
#include "p2p/cli/give.hpp"
#include "p2p/cli/text_table.hpp"

namespace packswarm::cli {
namespace {

struct Tally {
    std::vector<GiftResult> results;
    int refused = 0;
    void add(const GiftResult& result) {
        refused += result.state == "refused";
        results.push_back(result);
    }
};

void print_tally(const Common& common, const Tally& tally) {
    if (common.output == Output::json) {
        std::fputs(results_as_json(tally.results).c_str(), stdout);
        return;
    }
    TextTable table{"STATE", ">SIZE", "FILE", ""};
    for (const auto& result : tally.results)
        table.add({printable(result.state), result.size > 0 ? show_bytes(result.size) : "-", printable(result.path),
                   printable(result.message)});
    if (!table.empty()) std::fputs(table.text().c_str(), stdout);
}

std::vector<std::filesystem::path> paths_from_stdin() {
    std::vector<std::filesystem::path> paths;
    for (std::string line; std::getline(std::cin, line);)
        if (line.starts_with('/')) paths.emplace_back(line);
    return paths;
}

Result<std::vector<std::filesystem::path>> paths_to_import(const GiveWords& words) {
    std::optional<Seconds> age;
    if (!words.newer.empty()) {
        age = parse_age(words.newer);
        if (!age) return fail(ErrorKind::Refused, "{} is no age; say 90s, 15m, 24h or 7d", words.newer);
    }
    std::vector<std::filesystem::path> paths(words.files.begin(), words.files.end());
    if (words.from_stdin)
        for (auto& path : paths_from_stdin()) paths.push_back(std::move(path));
    if (words.apt)
        for (auto& path : apt_cache_files(words.root, age)) paths.push_back(std::move(path));
    if (words.pacman)
        for (auto& path : pacman_cache_files(words.root, age)) paths.push_back(std::move(path));
    return paths;
}

}  // namespace

int run_share(const Common& common, const GiveWords& words) {
    std::vector<std::string> problems;
    const auto gifts = open_gifts({words.files.begin(), words.files.end()}, problems);
    for (const auto& problem : problems) complain(problem);
    Tally tally;
    const auto given = give(common.socket, "share", gifts, [&](const GiftResult& result) { tally.add(result); });
    print_tally(common, tally);
    if (!given) return complain(given.error().message);
    return problems.empty() && tally.refused == 0 ? 0 : 1;
}

// What no index lists any more is no error here: caches hold old versions, and files of repositories that are not
// shared.
int run_import(const Common& common, const GiveWords& words) {
    const auto paths = paths_to_import(words);
    if (!paths) return complain(paths.error().message);
    std::vector<std::string> problems;
    const auto gifts = open_gifts(*paths, problems);
    if (gifts.empty() && problems.empty()) return 0;
    if (words.background)
        if (auto away = continue_in_background(); !away) return complain(away.error().message);
    Tally tally;
    const auto given = give(common.socket, "import", gifts, [&](const GiftResult& result) { tally.add(result); });
    if (!words.quiet) {
        for (const auto& problem : problems) complain(problem);
        print_tally(common, tally);
    }
    if (given) return problems.empty() ? 0 : 1;
    return words.quiet ? 1 : complain(given.error().message);
}

}  // namespace packswarm::cli
