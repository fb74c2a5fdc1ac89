// What apt and pacman are configured to use, read from their own files (sources.list(5), pacman.conf(5)) into
// repositories. Not here: the owner's own [[repository]] tables (repositories.hpp). Unreadable or odd entries are left
// out with a warning.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "p2p/core/artifact.hpp"
#include "p2p/core/proxy_rules.hpp"

namespace packswarm::daemon {

struct Learned {
    std::vector<core::Repository> repositories;
    std::vector<std::string> warnings;
    std::optional<std::string> apt_version;  // decides which keys apt trusts; unknown: as the newest
    std::vector<std::filesystem::path>
        folders;               // where something was read, or could stand: a change there may change the rest
    core::DateRules dates;     // apt.conf's: what sources begin with
    core::ProxyRules proxies;  // apt.conf's: what they name is left to apt
};

// apt's folder: sources.list, sources.list.d/*.list and *.sources, and the keys that the installed apt trusts.
// dates, proxies: what apt.conf says of them.
Learned learn_from_apt(const std::filesystem::path& folder,
                       const std::filesystem::path& dpkg_status = "/var/lib/dpkg/status",
                       const core::DateRules& dates = {}, const core::ProxyRules& proxies = {});
void parse_one_line_sources(std::string_view text, const std::filesystem::path& folder, Learned& out);
void parse_deb822_sources(std::string_view text, const std::filesystem::path& folder, Learned& out);

// pacman.conf with its Include lines; our own gateway's addresses are left out.
Learned learn_from_pacman(const std::filesystem::path& file);

}  // namespace packswarm::daemon
