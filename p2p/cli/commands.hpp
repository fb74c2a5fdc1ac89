// The commands of packswarm, one function each: they print and return the exit status. Not here: reading the command
// line. Exit status: 0 done, 1 failed or refused, 2 wrong words. One thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "hooks/setup/setup.hpp"
#include "p2p/base/result.hpp"
#include "p2p/base/units.hpp"

namespace packswarm::cli {

enum class Output { text, json };

struct Common {
    std::string socket;
    Output output = Output::text;
};

int complain(const std::string& message);  // on stderr; both give the exit status 1
int complain(const Error& error);

struct FetchWords {
    std::string url, out, input, ca_file;
    bool quiet = false;
};
int run_fetch(const Common& common, const FetchWords& words);

// status, mirrors, peers, refresh, prefetch...
int run_question(const Common& common, const std::string& op);
struct AcceptWords {
    std::string repository, span = "24h";
    bool older = false, expired = false;
};
int run_accept(const Common& common, const AcceptWords& words);
int run_explain(const Common& common, const std::string& package, int limit);

struct GiveWords {
    std::vector<std::string> files;
    bool apt = false, pacman = false, from_stdin = false, quiet = false, background = false;
    std::string newer;
    std::filesystem::path root = "/";
};
int run_share(const Common& common, const GiveWords& words);
int run_import(const Common& common, const GiveWords& words);

// Of import: the folder alone; the others are for single files.
int run_import_bundle(const Common& common, const std::string& folder, bool is_quiet);

struct BundleWords {
    std::string to, format;  // of these repositories only; empty: of all
    std::vector<std::string> packages;
    bool with_private = false, quiet = false;
};
int run_bundle(const Common& common, const BundleWords& words);

struct SetupWords {
    std::string manager;
    bool undo = false, dry_run = false, xfer = false;
    bool be_found = false, yes = false;  // internet
    std::string pacman_version;          // "6.1"; empty: ask pacman
    hooks::SetupOptions options;
};
int run_setup(const Common& common, SetupWords words);

int run_doctor(const Common& common, const std::filesystem::path& root);

std::string default_socket();  // $PACKSWARM_SOCKET or /run/packswarm/control.sock

}  // namespace packswarm::cli
