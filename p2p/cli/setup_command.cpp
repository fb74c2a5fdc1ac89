#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "hooks/setup/setup.hpp"
#include "p2p/base/log.hpp"
#include "p2p/cli/commands.hpp"
#include "p2p/cli/internet_question.hpp"
#include "p2p/control/client.hpp"

namespace packswarm::cli {
namespace {

namespace fs = std::filesystem;

// Where this program was installed to, and the method beside it.
void find_programs(hooks::SetupOptions& options) {
    std::error_code error;
    const auto self = fs::read_symlink("/proc/self/exe", error);
    if (error) return;
    options.program = self.string();
    for (const auto& place : {self.parent_path().parent_path() / "libexec/packswarm/packswarm-apt-method",
                              self.parent_path() / "packswarm-apt-method"})
        if (fs::exists(place, error)) {
            options.apt_method = place.string();
            return;
        }
}

Result<void> find_pacman(SetupWords& words) {
    if (words.manager != "pacman" || words.undo) return {};
    utsname machine{};
    if (::uname(&machine) == 0) words.options.machine = machine.machine;
    if (words.pacman_version.empty()) {
        const auto version = hooks::installed_pacman();
        if (!version) return tl::unexpected(version.error());
        words.options.pacman = *version;
        return {};
    }
    auto& version = words.options.pacman;
    if (std::sscanf(words.pacman_version.c_str(), "%d.%d", &version.major, &version.minor) != 2)
        return fail(ErrorKind::Refused, "{} is no version; say 6.1", words.pacman_version);
    return {};
}

void print_plan(const std::vector<hooks::Change>& changes) {
    for (const auto& change : changes) {
        if (!change.note.empty()) std::printf("%s: %s\n", change.path.c_str(), change.note.c_str());
        std::fputs(hooks::difference(change).c_str(), stdout);
    }
}

hooks::Manager manager_of(const std::string& name) {
    if (name == "apt") return hooks::Manager::apt;
    return name == "pacman" ? hooks::Manager::pacman : hooks::Manager::internet;
}

// Without an answer nothing is changed.
bool agrees(const Common& common, const SetupWords& words) {
    auto client = control::Client::connect(common.socket, "cli", Millis(2'000));
    const auto status = client ? client->call("status", {}, Millis(5'000)) : tl::unexpected(client.error());
    std::fputs(internet_question(status.value_or("{}"), words.be_found ? BeFound::yes : BeFound::no).c_str(), stdout);
    if (words.yes || words.dry_run) return true;
    std::fputs("Look for other agents on the Internet? [y/N] ", stdout);
    std::fflush(stdout);
    std::string answer;
    std::getline(std::cin, answer);
    return answer == "y" || answer == "Y" || answer == "yes";
}

std::string closing_words(const SetupWords& words) {
    const std::string restart =
        words.manager == "internet" ? "restart the agent for it: systemctl restart packswarmd" : "";
    if (words.undo) return "taken back" + (restart.empty() ? "" : "; " + restart);
    return "done; " + (restart.empty() ? "" : restart + "; ") + "packswarm setup " + words.manager +
           " --undo takes it back";
}

}  // namespace

int run_setup(const Common& common, SetupWords words) {
    if (common.socket != "/run/packswarm/control.sock") words.options.socket = common.socket;
    find_programs(words.options);
    words.options.way = words.xfer ? hooks::PacmanWay::xfer_command : hooks::PacmanWay::servers;
    if (auto found = find_pacman(words); !found) return complain(found.error().message);
    const auto manager = manager_of(words.manager);
    if (words.be_found) words.options.internet = "find-and-be-found";
    const auto changes =
        words.undo ? hooks::plan_undo(manager, words.options) : hooks::plan_setup(manager, words.options);
    if (!changes) return complain(changes.error().message);
    if (changes->empty()) {
        std::puts(words.undo ? "nothing to take back" : "all is in place already");
        return 0;
    }
    print_plan(*changes);
    const bool asks = manager == hooks::Manager::internet && !words.undo;
    const bool may = !asks || agrees(common, words);
    if (words.dry_run) return 0;
    if (!may) return complain("nothing was changed");
    if (::geteuid() != 0 && words.options.root == "/")
        return complain("only root may change these files; run it with sudo");
    const auto done =
        words.undo ? hooks::apply_undo(*changes, words.options) : hooks::apply_setup(*changes, words.options);
    if (!done) return complain(done.error().message);
    std::printf("%s\n", closing_words(words).c_str());
    return 0;
}

}  // namespace packswarm::cli
