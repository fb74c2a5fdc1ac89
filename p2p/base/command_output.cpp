#include "p2p/base/command_output.hpp"

#include <array>
#include <cstdio>
#include <memory>

namespace packswarm {

std::string command_output(const std::string& command, ByteCount most) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
    std::string text;
    std::array<char, 1 << 16> buffer;
    while (pipe && static_cast<ByteCount>(text.size()) < most) {
        const auto got = std::fread(buffer.data(), 1, buffer.size(), pipe.get());
        if (got == 0) break;
        text.append(buffer.data(), got);
    }
    return text;
}

}  // namespace packswarm
