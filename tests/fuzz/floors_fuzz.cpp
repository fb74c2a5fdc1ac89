// rooms: store
// floors.txt as somebody may have changed it: whatever is read is written so that it reads the same, and without a
// problem.
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "p2p/store/floor_file.hpp"

using namespace packswarm;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto memory = std::filesystem::exists("/dev/shm") ? "/dev/shm" : "/tmp";
    const auto path = std::filesystem::path(memory) / ("packswarm-floors-fuzz-" + std::to_string(::getpid()));
    std::ofstream(path, std::ios::binary | std::ios::trunc)
        .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
    const auto read = store::FloorFile(path).read();
    const store::FloorFile other(path.string() + ".again");
    const bool written = other.write(read.floors).has_value();
    const auto again = other.read();
    std::filesystem::remove(path);
    std::filesystem::remove(other.path());
    if (written && (!again.problem.empty() || again.floors.size() != read.floors.size())) std::abort();
    return 0;
}
