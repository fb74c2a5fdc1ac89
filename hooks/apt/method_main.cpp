// packswarm-apt-method: put in place of apt's http and https methods by one file in apt.conf.d (packswarm setup apt).
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "hooks/apt/method.hpp"

namespace {

bool is_ours(const std::string& name) { return name == "http" || name == "https" || name == "packswarm-apt-method"; }

}  // namespace

int main(int argc, char** argv) {
    const std::string called_as = argc > 0 ? argv[0] : "";
    const auto name = std::filesystem::path(called_as).filename().string();
    // Such as tor+http, with options of its own: apt's own method knows itself by that name.
    if (argc > 0 && !is_ours(name)) {
        const auto own = packswarm::hooks::own_method_program({}, called_as, "http");
        ::execv(own.c_str(), argv);
        std::fprintf(stderr, "packswarm-apt-method: called as %s, and %s does not start\n", name.c_str(), own.c_str());
        return 100;
    }
    ::signal(SIGPIPE, SIG_IGN);
    packswarm::hooks::interrupt_children_on_signals();
    try {
        // apt gives its own method's name, whatever program it starts: http or https.
        packswarm::hooks::AptMethod method({name == "https" ? "https" : "http", called_as});
        return method.run();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "packswarm-apt-method: %s\n", error.what());
        return 100;
    }
}
