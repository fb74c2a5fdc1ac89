// packswarm-apt-method: put in place of apt's http and https methods by one file in apt.conf.d (packswarm setup apt).
#include <signal.h>

#include <cstdio>
#include <filesystem>

#include "hooks/apt_method.hpp"

int main(int argc, char** argv) {
    const std::string called_as = argc > 0 ? argv[0] : "";
    const auto name = std::filesystem::path(called_as).filename().string();
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
