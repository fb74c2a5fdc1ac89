#include "formats/pacman/pkginfo.hpp"

#include "formats/tar_reader.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "verify/safe_text.hpp"

namespace packswarm::formats {

namespace {

Result<void> set_once(std::string& field, std::string_view key, std::string_view value) {
    if (!field.empty()) return fail(ErrorKind::Corrupt, "a .PKGINFO with {} twice", key);
    if (!verify::is_safe_name(value))
        return fail(ErrorKind::Corrupt, "a .PKGINFO with {} '{}'", key, printable(value, 60));
    field = value;
    return {};
}

}  // namespace

Result<PkgInfo> parse_pkginfo(std::string_view text) {
    PkgInfo info;
    while (!text.empty()) {
        const auto line = verify::take_line(text);
        if (line.starts_with('#')) continue;
        const auto equals = line.find('=');
        if (equals == std::string_view::npos) continue;
        const auto key = verify::trim(line.substr(0, equals));
        const auto value = verify::trim(line.substr(equals + 1));
        Result<void> set;
        if (key == "pkgname") set = set_once(info.name, key, value);
        if (key == "pkgver") set = set_once(info.version, key, value);
        if (key == "arch") set = set_once(info.architecture, key, value);
        if (!set) return tl::unexpected(set.error());
    }
    if (info.name.empty() || info.version.empty() || info.architecture.empty())
        return fail(ErrorKind::Corrupt, "a .PKGINFO without pkgname, pkgver or arch");
    return info;
}

Result<PkgInfo> read_pkginfo(const FileHandle& package, ByteCount size) {
    auto content = Unpacked::open(package, size, {limits::max_pkginfo_search, 0});
    if (!content) return tl::unexpected(content.error());
    auto tar = TarReader::open(std::move(*content));
    if (!tar) return tl::unexpected(tar.error());
    while (true) {
        const auto member = tar->next();
        if (!member) return tl::unexpected(member.error());
        if (!*member) return fail(ErrorKind::Corrupt, "a package without .PKGINFO");
        if ((*member)->path != ".PKGINFO" || !(*member)->is_file) continue;
        const auto text = tar->text(limits::max_stanza);
        if (!text) return tl::unexpected(text.error());
        return parse_pkginfo(*text);
    }
}

}  // namespace packswarm::formats
