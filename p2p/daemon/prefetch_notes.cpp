#include "p2p/daemon/prefetch_notes.hpp"

#include <fmt/format.h>

#include <random>
#include <sstream>

#include "p2p/base/limits.hpp"
#include "p2p/base/own_files.hpp"

namespace packswarm::daemon {

namespace {

Digest random_bytes() {
    std::random_device random;
    Digest out;
    for (auto& byte : out.bytes) byte = static_cast<std::uint8_t>(random());
    return out;
}

}  // namespace

PrefetchNotes PrefetchNotes::parse(std::string_view text) {
    PrefetchNotes out;
    std::istringstream words{std::string(text)};
    for (std::string name, value; words >> name >> value;) {
        if (name == "installation") out.installation = Digest::parse(value).value_or(Digest{});
        if (name == "switched") out.is_on = value == "on";
        std::int64_t seconds = 0;
        if (name == "refreshed" && std::istringstream(value) >> seconds) out.refreshed = WallTime(Seconds(seconds));
    }
    if (out.installation == Digest{}) out.installation = random_bytes();
    return out;
}

std::string PrefetchNotes::text() const {
    auto out = fmt::format("installation {}\nrefreshed {}\n", installation.hex(), refreshed.time_since_epoch().count());
    if (is_on) out += *is_on ? "switched on\n" : "switched off\n";
    return out;
}

PrefetchNotes read_prefetch_notes(const std::filesystem::path& file) {
    return PrefetchNotes::parse(read_own_text(file, 4 * limits::kib).value_or(""));
}

Result<void> write_prefetch_notes(const std::filesystem::path& file, const PrefetchNotes& notes) {
    if (auto ours = check_own_file(file); !ours) return ours;
    return replace_file(file, as_bytes(notes.text()), 0600);
}

}  // namespace packswarm::daemon
