#include "p2p/daemon/folder_plan.hpp"

#include <fcntl.h>

#include "p2p/base/own_files.hpp"

namespace packswarm::daemon {

namespace {

Result<void> clear(const std::filesystem::path& folder) {
    std::error_code error;
    for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
        if (!at->is_directory(error) || at->is_symlink(error)) std::filesystem::remove(at->path(), error);
    return error ? Result<void>(fail(ErrorKind::Broken, "{}: {}", folder.string(), error.message())) : Result<void>();
}

}  // namespace

Result<void> lay_out(const std::filesystem::path& folder, const FolderPlan& plan) {
    if (auto made = make_own_folder(folder, 0755); !made) return made;
    if (auto cleared = clear(folder); !cleared) return cleared;
    for (const auto& [name, target] : plan.links) {
        std::error_code error;
        std::filesystem::create_symlink(target, folder / name, error);
        if (error) return fail(ErrorKind::Broken, "{}: {}", (folder / name).string(), error.message());
    }
    for (const auto& [name, bytes] : plan.files) {
        auto file = open_own_file(folder / name, O_WRONLY | O_CREAT | O_EXCL);
        if (!file) return tl::unexpected(file.error());
        if (auto written = write_at(*file, 0, bytes); !written) return written;
    }
    return {};
}

}  // namespace packswarm::daemon
