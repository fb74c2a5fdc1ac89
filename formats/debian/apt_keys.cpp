#include "formats/debian/apt_keys.hpp"

#include <charconv>
#include <system_error>

#include "p2p/base/file.hpp"
#include "p2p/base/limits.hpp"
#include "verify/safe_text.hpp"

namespace packswarm::formats {

namespace {

// Takes the number in front of the next dot; 0 where there is none.
int take_number(std::string_view& version) {
    int value = 0;
    const auto [end, error] = std::from_chars(version.data(), version.data() + version.size(), value);
    version.remove_prefix(static_cast<std::size_t>(end - version.data()));
    const bool goes_on = version.starts_with('.');
    version = goes_on ? version.substr(1) : std::string_view();
    return error == std::errc{} ? value : 0;
}

}  // namespace

std::optional<std::string> installed_apt(const std::filesystem::path& dpkg_status) {
    const auto text = read_text(dpkg_status, limits::max_dpkg_status);
    if (!text) return std::nullopt;
    std::string_view rest(*text);
    bool is_apt = false, is_installed = false;
    std::string_view version;
    while (!rest.empty()) {
        const auto line = verify::take_line(rest);
        if (line.starts_with("Package: ")) is_apt = verify::trim(line.substr(9)) == "apt";
        if (is_apt && line.starts_with("Status: ")) is_installed = line.ends_with(" installed");
        if (is_apt && line.starts_with("Version: ")) version = verify::trim(line.substr(9));
        if (is_apt && line.empty()) break;
    }
    if (!is_installed || version.empty()) return std::nullopt;
    return std::string(version);
}

bool is_apt_at_least(std::string_view version, std::string_view least) {
    while (!version.empty() || !least.empty()) {
        const int has = take_number(version), needs = take_number(least);
        if (has != needs) return has > needs;
    }
    return true;
}

bool takes_outlived_keys(const std::optional<std::string>& apt_version, const std::filesystem::path& sqv) {
    std::error_code ignored;
    return apt_version && is_apt_at_least(*apt_version, "2.9.19") && std::filesystem::exists(sqv, ignored);
}

core::KeyringSpec apt_keyring(const std::filesystem::path& folder, const std::optional<std::string>& apt_version) {
    const auto is_before = [&](std::string_view change) {
        return apt_version && !is_apt_at_least(*apt_version, change);
    };
    core::KeyringSpec spec;
    spec.strict_names = !is_before("2.9.15");
    std::error_code ignored;
    for (const char* name : {"trusted.gpg", "trusted.gpg.d"}) {
        const bool counts = std::string_view(name) != "trusted.gpg" || is_before("2.9.24");
        if (counts && std::filesystem::exists(folder / name, ignored)) spec.files.push_back((folder / name).string());
    }
    return spec;
}

}  // namespace packswarm::formats
