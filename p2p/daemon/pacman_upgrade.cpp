#include "p2p/daemon/pacman_upgrade.hpp"

#include <sstream>

#include "formats/pacman/pacman.hpp"
#include "p2p/base/file.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/base/text.hpp"
#include "p2p/core/bundle.hpp"
#include "p2p/core/pacman_command.hpp"

namespace packswarm::daemon {

namespace {

constexpr ByteCount max_configuration = 4 * limits::mib;

std::filesystem::path database_path(const std::filesystem::path& pacman_conf) {
    std::istringstream lines(read_text(pacman_conf, max_configuration).value_or(""));
    for (std::string line; std::getline(lines, line);) {
        const auto equals = line.find('=');
        if (equals != std::string::npos && trimmed(line.substr(0, equals)) == "DBPath")
            return std::string(trimmed(std::string_view(line).substr(equals + 1)));
    }
    return "/var/lib/pacman";
}

}  // namespace

FolderPlan PacmanUpgrade::databases(const broker::IndexBook& book) const {
    FolderPlan out;
    for (const auto& repository : book.table().all()) {
        const auto& root = book.state_of(repository.id).root;
        if (repository.format != formats::pacman() || !root) continue;
        auto bundle = core::unpack_bundle(root->bundle);
        if (!bundle) continue;
        const auto path = core::root_path(repository);
        out.files[path] = std::move(bundle->root);
        const auto signature = repository.format->root_signature(repository, path);
        if (bundle->signature && !signature.empty()) out.files[signature] = std::move(*bundle->signature);
    }
    return out;
}

FolderPlan PacmanUpgrade::installed() const {
    FolderPlan out;
    out.links["local"] = database_path(pacman_conf) / "local";
    return out;
}

BoundedRun::Program PacmanUpgrade::printing() const {
    core::PacmanCommand command;
    command.upgrades = 1;
    command.options = {{"--config", pacman_conf.string(), true}, {"--dbpath", folder.string(), true}};
    return {program, core::printing_arguments(command), limits::max_printed,
            std::chrono::duration_cast<Millis>(limits::simulation_deadline)};
}

}  // namespace packswarm::daemon
