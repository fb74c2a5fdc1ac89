// rooms: hooks verify
// One file of apt's, and an agent that says anything about it, in any order: lines of the control protocol, each with a
// file. What is called complete has the hash that apt expects, and lies within the size that apt allows.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "hooks/apt/item.hpp"
#include "p2p/base/log.hpp"
#include "verify/hasher.hpp"

using namespace packswarm;

namespace {

constexpr ByteCount most = 5000;
const std::string right(1000, 'r');

void require(bool holds) {
    if (!holds) std::abort();
}

std::filesystem::path target() {
    const std::filesystem::path memory = "/dev/shm";
    const auto folder = std::filesystem::exists(memory) ? memory : std::filesystem::temp_directory_path();
    return folder / ("packswarm-apt-fuzz." + std::to_string(::getpid()));
}

FileHandle file_of(std::string_view content) {
    FileHandle file(::memfd_create("fuzz", MFD_CLOEXEC));
    if (!file.open()) std::abort();
    require(static_cast<bool>(write_at(file, 0, content)));
    return file;
}

hooks::AptMessage acquire() {
    hooks::AptMessage message(600, "URI Acquire");
    message.add("URI", "http://a/pool/x.deb").add("Filename", target().string());
    message.add("Expected-SHA256", verify::digest_of(as_bytes(right)).hex());
    return message.add("Maximum-Size", std::to_string(most));
}

void judge(const hooks::AptItem& item) {
    std::ifstream in(target(), std::ios::binary);
    const std::string there{std::istreambuf_iterator<char>(in), {}};
    require(there == right);
    require(item.done_message().find("Size") == std::to_string(right.size()));
}

}  // namespace

// Each line of the input is an event; a mark before it says which file comes with it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    spdlog::set_level(spdlog::level::off);
    std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto message = acquire();
    hooks::AptItem item(message, message.text());
    bool is_over = false;
    while (!text.empty() && !is_over) {
        const auto end = std::min(text.find('\n'), text.size());
        auto line = text.substr(0, end);
        text.remove_prefix(std::min(text.size(), end + 1));
        const char mark = line.empty() ? ' ' : line.front();
        if (!line.empty()) line.remove_prefix(1);
        auto event = control::parse_event(line);
        if (!event) continue;
        if (mark == 'r') event->file = file_of(right);
        if (mark == 'w') event->file = file_of(std::string(1000, 'w'));
        if (mark == 's') event->file = file_of("short");
        Result<void> taken;
        if (event->kind == control::EventKind::start)
            taken = item.on_start(std::move(*event));
        else if (event->kind == control::EventKind::progress)
            item.on_progress(*event);
        else if (event->kind == control::EventKind::done)
            taken = item.on_done(std::move(*event));
        is_over = !taken;
        for (int steps = 0; !is_over && item.has_work() && steps < 100; ++steps) {
            const auto step = item.work();
            is_over = !step || *step == hooks::AptItem::Step::complete;
            if (step && *step == hooks::AptItem::Step::complete) judge(item);
        }
    }
    if (std::filesystem::exists(target()))
        require(static_cast<ByteCount>(std::filesystem::file_size(target())) <= most);
    item.leave({ErrorKind::Transient, "over"});
    std::filesystem::remove(target());
    return 0;
}
