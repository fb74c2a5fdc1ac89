// fetch: files through the agent into paths, and straight from their servers whenever the agent is away, refuses, dies
// or is silent. What `packswarm fetch` and pacman's XferCommand run. Errors: none leave; each file has its own outcome.
// One thread.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "p2p/base/result.hpp"
#include "p2p/base/units.hpp"
#include "p2p/web/http_settings.hpp"

namespace packswarm::cli {

struct FetchJob {
    std::string url;
    std::filesystem::path out;
    std::optional<std::size_t> after{};  // asked for once the job of this number is over
};

struct FetchProgress {
    std::size_t files = 0, files_done = 0;
    ByteCount received = 0, size = 0;  // of the files whose size is known
    std::string name;                  // of one file under way
};

struct FetchOptions {
    std::string socket;
    std::string asker = "cli";
    Millis silence{20'000};  // nothing new from the agent for this long: it is given up
    web::HttpSettings http;  // for direct downloads
    std::function<void(const FetchProgress&)> progress;
    std::function<void(const std::string& line)> note;  // what a person should know: why the agent did not do it
};

struct FetchResult {
    std::optional<Error> error;  // nothing: the file is there
    bool direct = false;         // it came without the agent
    ByteCount size = 0;
    std::string digest;  // hexadecimal SHA-256, when the agent computed it
};

// One result per job, in the jobs' order.
std::vector<FetchResult> fetch(const std::vector<FetchJob>& jobs, const FetchOptions& options);

// "URL OUT" per line: blanks between, everything after the first blank belongs to OUT; '#' starts a comment line.
Result<std::vector<FetchJob>> parse_jobs(std::string_view text);

}  // namespace packswarm::cli
