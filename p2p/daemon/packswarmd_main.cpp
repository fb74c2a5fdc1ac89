// packswarmd: the agent. Runs in the foreground, configured by one TOML file and by the command line, which wins.
#include <malloc.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <map>

#include "p2p/base/log.hpp"
#include "p2p/base/version.hpp"
#include "p2p/daemon/app.hpp"
#include "p2p/daemon/option_pages.hpp"

using namespace packswarm;

namespace {

constexpr auto default_config = "/etc/packswarm/packswarm.toml";

// A missing default file means defaults; a missing file that was asked for is an error.
Result<daemon::Config> configuration(const std::string& file, bool asked_for,
                                     const std::map<std::string, std::string>& overrides) {
    auto config = daemon::load_config(file);
    if (!config && !asked_for && config.error().kind == ErrorKind::Absent) config = daemon::Config{};
    if (!config) return config;
    for (const auto& [name, text] : overrides)
        if (auto set = daemon::set_option(*config, name, text); !set) return tl::unexpected(set.error());
    return config;
}

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    ::mallopt(M_ARENA_MAX, 1);  // what one thread frees another may use: buffers cross threads here
    spdlog::set_default_logger(spdlog::stderr_color_mt("packswarmd"));
    spdlog::set_pattern("%^%l%$ %v");
    CLI::App cli{
        "packswarm agent: packages from mirrors and peers at once, trusted by the distribution's signatures alone"};
    std::string file = default_config;
    bool print = false, print_manual = false, check = false;
    auto* file_option = cli.add_option("-c,--config", file, "Configuration file (TOML)")->capture_default_str();
    cli.add_flag("--print-config", print, "Print the commented default configuration and end");
    cli.add_flag("--print-manual", print_manual, "Print packswarm.toml(5) as its source and end");
    cli.add_flag("--check-config", check, "Read the configuration, say what is wrong, and end");
    cli.set_version_flag("--version", "packswarmd " + std::string(program_version));
    std::map<std::string, std::string> values, overrides;
    std::map<std::string, CLI::Option*> given;
    for (const auto& option : daemon::option_texts())
        given[option.name] =
            cli.add_option("--" + option.name, values[option.name], option.prose)->group("Options of the file");
    CLI11_PARSE(cli, argc, argv);
    if (print || print_manual) {
        std::fputs((print ? daemon::default_file() : daemon::manual_page()).c_str(), stdout);
        return 0;
    }
    for (const auto& [name, option] : given)
        if (option->count() > 0) overrides[name] = values[name];
    const auto read = [=, asked_for = file_option->count() > 0] { return configuration(file, asked_for, overrides); };
    auto config = read();
    if (!config) {
        spdlog::error("{}", config.error().message);
        return 2;
    }
    if (check) return 0;
    spdlog::set_level(spdlog::level::from_str(config->log_level));
    auto app = daemon::App::build(std::move(*config), read);
    if (!app) {
        spdlog::error("{}", app.error().message);
        return 1;
    }
    return (*app)->run();
}
