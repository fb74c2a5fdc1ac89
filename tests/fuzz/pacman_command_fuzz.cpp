// rooms: core
// Command lines of processes that call themselves pacman, and what a pacman prints. Whatever is accepted must be asked
// in a form that reads as itself again but for the printing, and hold no option where a target or a value stands.
#include "p2p/core/pacman_command.hpp"

#include <cstdint>
#include <cstdlib>

using namespace packswarm::core;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto command = parse_pacman_command(text)) {
        std::string again("pacman\0-S", 9);
        const auto words = printing_arguments(*command);
        for (std::size_t at = 4; at < words.size(); ++at)
            again += '\0' + words[at];  // without --sync --print --print-format %...
        const auto second = parse_pacman_command(again);
        if (!second || printing_arguments(*second) != words) std::abort();
        for (const auto& target : command->targets)
            if (target.empty() || target[0] == '-') std::abort();
        for (const auto& option : command->options)
            if (option.value.empty() || option.value[0] == '\0' || (option.is_path && option.value[0] != '/'))
                std::abort();
    }
    if (const auto list = parse_printed_packages(text))
        for (const auto& package : *list)
            if (package.file.find('/') != std::string::npos || package.repository.empty() || package.file.empty())
                std::abort();
    return 0;
}
