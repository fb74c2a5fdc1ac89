// Which keys the machine's own apt trusts for sources that name none: that depends on its version. Any thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "p2p/core/artifact.hpp"

namespace packswarm::formats {

// Version of the installed apt, as dpkg's status file says; none when there is no such package or file.
std::optional<std::string> installed_apt(const std::filesystem::path& dpkg_status);

// Whether a version of apt is at least this one: the numbers between dots count, a suffix such as "+deb12u1" does not.
bool is_apt_at_least(std::string_view version, std::string_view least);

// Whether this apt believes a signature that was made before its key expired: with sqv it does, with gpgv it does not.
bool takes_outlived_keys(const std::optional<std::string>& apt_version,
                         const std::filesystem::path& sqv = "/usr/bin/sqv");

// folder: /etc/apt. trusted.gpg counts before apt 2.9.24, and from 2.9.15 on only those files of trusted.gpg.d whose
// names apt reads. An unknown version trusts what the newest does.
core::KeyringSpec apt_keyring(const std::filesystem::path& folder, const std::optional<std::string>& apt_version);

}  // namespace packswarm::formats
