// PrefetchNotes: what fetching ahead remembers over a restart, in prefetch.state below the agent's folder: random bytes
// of this machine, by which its slots lie elsewhere than those of others, and which are sent to nobody; what the owner
// has switched; when the agent last looked for new roots. Lost or damaged: begun anew.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "p2p/base/digest.hpp"
#include "p2p/base/result.hpp"
#include "p2p/base/units.hpp"

namespace packswarm::daemon {

struct PrefetchNotes {
    Digest installation;
    std::optional<bool> is_on;  // by "packswarm prefetch on" or "off"; none: as prefetch.enabled says
    WallTime refreshed{};

    static PrefetchNotes parse(std::string_view text);  // with new random bytes where it has none
    std::string text() const;
    friend bool operator==(const PrefetchNotes&, const PrefetchNotes&) = default;
};

PrefetchNotes read_prefetch_notes(const std::filesystem::path& file);
Result<void> write_prefetch_notes(const std::filesystem::path& file, const PrefetchNotes& notes);  // for a worker

}  // namespace packswarm::daemon
