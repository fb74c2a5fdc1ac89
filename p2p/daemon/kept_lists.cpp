#include "p2p/daemon/kept_lists.hpp"

#include <array>

#include "p2p/base/log.hpp"
#include "p2p/daemon/apt_lists.hpp"

namespace packswarm::daemon {

namespace {

constexpr std::array endings{"",     ".lz4", ".xz",  ".gz",
                             ".zst", ".bz2", ".lzma"};  // apt may keep them packed (Acquire::GzipIndexes)

}  // namespace

void KeptLists::told(const std::string& folder) {
    if (folder.starts_with('/')) told_ = folder;
}

Result<FileHandle> KeptLists::open(const core::Repository& repository, const core::IndexEntry& plain) {
    bool is_there = false;
    for (const auto& folder : {told_, folder_}) {
        if (folder.empty()) continue;
        for (const auto& base : repository.bases)
            for (const auto* ending : endings) {
                auto file = open_for_reading(folder / (apt_list_name(base + "/" + plain.path) + ending));
                if (!file) continue;
                is_there = true;
                const auto info = file_info(*file);
                const bool is_other = std::string_view(ending).empty() && (!info || info->size != plain.size);
                if (!is_other) return file;
            }
    }
    if (is_there || !told_.empty())
        return fail(ErrorKind::Transient, "apt has not this version of {} yet", printable(plain.path));
    return fail(ErrorKind::Absent, "apt keeps no list {}", printable(plain.path));
}

}  // namespace packswarm::daemon
