// packswarm: the command line. Reads the words, calls the command.
#include <signal.h>

#include <CLI/CLI.hpp>
#include <exception>

#include "formats/debian/debian.hpp"
#include "formats/pacman/pacman.hpp"
#include "p2p/base/version.hpp"
#include "p2p/cli/commands.hpp"

namespace {

using packswarm::cli::Common;

void add_common(CLI::App& command, Common& common) {
    command.add_option("--socket", common.socket, "the agent's control socket (also $PACKSWARM_SOCKET)");
    command.add_flag_callback(
        "--json", [&common] { common.output = packswarm::cli::Output::json; }, "print JSON");
}

struct Words {
    Common common;
    packswarm::cli::FetchWords fetch;
    packswarm::cli::GiveWords share, import;
    packswarm::cli::BundleWords bundle;
    std::string bundle_folder;
    packswarm::cli::SetupWords setup;
    packswarm::cli::AcceptWords accept;
    std::string package, order = "status";
    int limit = 20;
    std::filesystem::path root = "/";
    int status = 0;
};

void add_fetch(CLI::App& app, Words& words) {
    auto* command =
        app.add_subcommand("fetch", "get URL into OUT, through the agent or, without it, straight from the server");
    add_common(*command, words.common);
    auto* url = command->add_option("URL", words.fetch.url, "http or https address");
    auto* out = command->add_option("OUT", words.fetch.out, "path to write to");
    auto* input = command->add_option("--input", words.fetch.input,
                                      "file with one 'URL OUT' per line, fetched all at once; - for standard input");
    url->needs(out);
    input->excludes(url);
    command->add_option("--ca-file", words.fetch.ca_file,
                        "PEM file of certificate authorities, for downloads without the agent");
    command->add_flag("-q,--quiet", words.fetch.quiet, "no progress and no notes");
    command->final_callback([&words, command] {
        if (words.fetch.input.empty() && words.fetch.url.empty())
            throw CLI::RequiredError(command->get_name() + ": URL and OUT, or --input");
        words.status = run_fetch(words.common, words.fetch);
    });
}

void add_question(CLI::App& app, Words& words, const char* name, const char* description) {
    auto* command = app.add_subcommand(name, description);
    add_common(*command, words.common);
    command->final_callback([&words, name] { words.status = packswarm::cli::run_question(words.common, name); });
}

void add_explain(CLI::App& app, Words& words) {
    auto* command =
        app.add_subcommand("explain", "what the agent knows of a package: which sources gave what, and why");
    add_common(*command, words.common);
    command->add_option("PACKAGE", words.package, "name, file name, part of a path, or SHA-256")->required();
    command->add_option("--limit", words.limit, "transfers to show")->check(CLI::Range(1, 1000))->capture_default_str();
    command->final_callback([&words] { words.status = run_explain(words.common, words.package, words.limit); });
}

void add_accept(CLI::App& app, Words& words) {
    auto* command = app.add_subcommand("accept", "let an older or expired index count for a while (root only)");
    add_common(*command, words.common);
    auto* older = command->add_flag("--older", words.accept.older, "one that is older than another seen before");
    auto* expired = command->add_flag("--expired", words.accept.expired, "one whose Valid-Until has passed");
    older->excludes(expired);
    command->add_option("REPOSITORY", words.accept.repository, "id or suite, as 'packswarm status' shows it")
        ->required();
    command->add_option("--for", words.accept.span, "how long: 90s, 15m, 24h, 7d")->capture_default_str();
    command->final_callback([&words, command] {
        if (!words.accept.older && !words.accept.expired)
            throw CLI::RequiredError(command->get_name() + ": --older or --expired");
        words.status = run_accept(words.common, words.accept);
    });
}

void add_share(CLI::App& app, Words& words) {
    auto* command = app.add_subcommand("share", "offer files to peers, as far as a verified index lists them");
    add_common(*command, words.common);
    command->add_option("FILE", words.share.files)->required();
    command->final_callback([&words] { words.status = run_share(words.common, words.share); });
}

void add_import(CLI::App& app, Words& words) {
    auto* command = app.add_subcommand("import", "let the agent take package files that are here already");
    add_common(*command, words.common);
    auto* file = command->add_option("FILE", words.import.files);
    auto* apt = command->add_flag("--apt", words.import.apt, "all of apt's cache");
    auto* pacman = command->add_flag("--pacman", words.import.pacman, "all of pacman's cache");
    auto* from_stdin =
        command->add_flag("--stdin", words.import.from_stdin, "absolute paths, one per line, on standard input");
    auto* newer = command->add_option("--newer", words.import.newer,
                                      "of the caches, only what came in that long ago or later: 90s, 15m, 24h, 7d");
    command->add_option("--root", words.import.root, "look for the caches below this folder")->capture_default_str();
    command->add_flag("-q,--quiet", words.import.quiet, "print nothing");
    auto* behind = command->add_flag("--background", words.import.background, "return at once, go on behind");
    auto* folder = command->add_option("--bundle", words.bundle_folder,
                                       "a folder that 'packswarm bundle' filled: its indexes, lists and packages");
    for (auto* other : {file, apt, pacman, from_stdin, newer, behind}) folder->excludes(other);
    command->final_callback([&words] {
        words.status = words.bundle_folder.empty()
                           ? run_import(words.common, words.import)
                           : run_import_bundle(words.common, words.bundle_folder, words.import.quiet);
    });
}

void add_bundle(CLI::App& app, Words& words) {
    auto* command = app.add_subcommand(
        "bundle", "write what another machine needs to upgrade without a network into a folder, such as a USB stick");
    add_common(*command, words.common);
    auto& bundle = words.bundle;
    command->add_option("--to", bundle.to, "folder to write into")->required();
    const auto choose = [&bundle](const std::string& manager) {
        bundle.format = (manager == "apt" ? packswarm::formats::debian() : packswarm::formats::pacman())->name();
    };
    command->add_option_function<std::string>("--for", choose, "repositories of apt or of pacman alone")
        ->check(CLI::IsMember({"apt", "pacman"}));
    command->add_flag("--private", bundle.with_private, "private repositories, too");
    command->add_option("PACKAGE", bundle.packages, "names; without any: every package that is stored");
    command->add_flag("-q,--quiet", bundle.quiet, "no progress");
    command->final_callback([&words] { words.status = run_bundle(words.common, words.bundle); });
}

void add_setup(CLI::App& app, Words& words) {
    auto* command = app.add_subcommand(
        "setup", "bring apt or pacman to the agent, or the agent to others on the Internet; shows what it changes");
    add_common(*command, words.common);
    auto& setup = words.setup;
    command->add_option("MANAGER", setup.manager, "apt, pacman or internet")
        ->required()
        ->check(CLI::IsMember({"apt", "pacman", "internet"}));
    command->add_flag("--undo", setup.undo, "take it back, byte for byte");
    command->add_flag("--dry-run", setup.dry_run, "only show it");
    command->add_flag("--xfer", setup.xfer, "pacman: use XferCommand instead of server lines");
    command->add_flag("--be-found", setup.be_found, "internet: be announced too, and open a port at the router");
    command->add_flag("--yes", setup.yes, "internet: do not ask");
    command->add_option("--gateway", setup.options.gateway, "pacman: where the agent's gateway listens")
        ->capture_default_str();
    command->add_option("--pacman-version", setup.pacman_version, "pacman: as if this version were installed");
    command->add_option("--root", setup.options.root, "change the files below this folder")->capture_default_str();
    command->final_callback([&words] { words.status = run_setup(words.common, words.setup); });
}

void add_prefetch(CLI::App& app, Words& words) {
    auto* command = app.add_subcommand("prefetch", "upgrades that are fetched before anybody asks for them");
    command->alias("ahead");
    add_common(*command, words.common);
    command->add_option("ORDER", words.order, "status, now, on or off")
        ->check(CLI::IsMember({"status", "now", "on", "off"}))
        ->capture_default_str();
    command->final_callback([&words] {
        const bool is_question = words.order == "status";
        words.status = packswarm::cli::run_question(words.common, is_question ? "prefetch" : "prefetch-" + words.order);
    });
}

void add_doctor(CLI::App& app, Words& words) {
    auto* command = app.add_subcommand("doctor", "look for what keeps it from working, with the remedy");
    add_common(*command, words.common);
    command->add_option("--root", words.root, "look at the package managers below this folder")->capture_default_str();
    command->final_callback([&words] { words.status = run_doctor(words.common, words.root); });
}

}  // namespace

int main(int argc, char** argv) {
    ::signal(SIGPIPE, SIG_IGN);
    Words words;
    words.common.socket = packswarm::cli::default_socket();
    CLI::App app("Packages from mirrors and peers at once: the agent's command line.", "packswarm");
    app.require_subcommand(1);
    app.fallthrough();
    add_common(app, words.common);
    app.set_version_flag("--version", std::string("packswarm ") + std::string(packswarm::program_version));
    add_fetch(app, words);
    add_question(app, words, "status", "how the agent is, what it has and what it does");
    add_explain(app, words);
    add_question(app, words, "mirrors", "the mirrors it knows and how they behave");
    add_question(app, words, "peers", "the peers it is connected with");
    add_share(app, words);
    add_import(app, words);
    add_bundle(app, words);
    add_question(app, words, "refresh", "fetch and verify every repository's index now");
    add_accept(app, words);
    add_prefetch(app, words);
    add_setup(app, words);
    add_doctor(app, words);
    try {
        app.parse(argc, argv);
        return words.status;
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "packswarm: %s\n", error.what());
        return 1;
    }
}
