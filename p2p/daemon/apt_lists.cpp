#include "p2p/daemon/apt_lists.hpp"

#include <fmt/format.h>

#include "formats/debian/debian.hpp"
#include "formats/debian/release_root.hpp"
#include "p2p/base/file.hpp"
#include "p2p/base/limits.hpp"

namespace packswarm::daemon {

std::string apt_list_name(const std::string& address) {
    constexpr std::string_view quoted = "\\|{}[]<>\"^~_=!@#$%^&*";
    const auto scheme = address.find("://");
    std::string out;
    for (const char c : address.substr(scheme == std::string::npos ? 0 : scheme + 3)) {
        const auto code = static_cast<unsigned char>(c);
        if (c == '/')
            out += '_';
        else if (code <= 0x20 || code >= 0x7f || quoted.find(c) != std::string_view::npos)
            out += fmt::format("%{:02x}", code);
        else
            out += c;
    }
    return out;
}

std::optional<core::OwnCopy> find_own_copy(const core::Repository& repository, const std::filesystem::path& lists) {
    std::optional<core::OwnCopy> newest;
    if (repository.format != formats::debian()) return newest;
    for (const auto& base : repository.bases)
        for (const auto& path : core::root_paths(repository)) {
            const auto text = read_text(lists / apt_list_name(base + "/" + path), limits::max_release);
            const auto copy = text ? formats::own_copy(*text) : std::nullopt;
            if (copy && (!newest || newest->mark.date < copy->mark.date)) newest = copy;
        }
    return newest;
}

}  // namespace packswarm::daemon
