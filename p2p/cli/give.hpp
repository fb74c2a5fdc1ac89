// give: offers files of this machine to the agent (share, import), each by an open descriptor, so that the agent, which
// may read nothing of ours, can take it. Not here: judging them; the agent takes only what a verified index lists.
// Errors: Absent without an agent; a file's own refusal is in its result. One thread.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "p2p/base/file.hpp"
#include "p2p/base/result.hpp"

namespace packswarm::cli {

struct Gift {
    std::filesystem::path path;
    FileHandle file;
};

struct GiftResult {
    std::string path, state, digest, message;  // state: shared, taken, known or refused
    ByteCount size = 0;
};

// Opens what can be opened; the others are in problems, one line each.
std::vector<Gift> open_gifts(const std::vector<std::filesystem::path>& paths, std::vector<std::string>& problems);

// op: "share" or "import". each is called after every file.
Result<void> give(const std::string& socket, const std::string& op, const std::vector<Gift>& gifts,
                  const std::function<void(const GiftResult&)>& each);

std::string results_as_json(const std::vector<GiftResult>& results);

// Package files that the package managers' caches hold, newest first; only those that came into their folder within
// max_age.
std::vector<std::filesystem::path> apt_cache_files(const std::filesystem::path& root, std::optional<Seconds> max_age);
std::vector<std::filesystem::path> pacman_cache_files(const std::filesystem::path& root,
                                                      std::optional<Seconds> max_age);

// "90s", "15m", "24h", "7d"
std::optional<Seconds> parse_age(std::string_view text);

// Lets the caller go on at once: it returns in a new process that has no terminal, and the old one ends with status 0.
Result<void> continue_in_background();

}  // namespace packswarm::cli
