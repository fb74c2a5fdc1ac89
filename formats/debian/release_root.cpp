#include "formats/debian/release_root.hpp"

#include "formats/debian/release.hpp"
#include "p2p/base/limits.hpp"
#include "verify/hasher.hpp"
#include "verify/safe_text.hpp"

namespace packswarm::formats {

namespace {

// The digest of a text that is the same in InRelease and Release: trailing blanks, line ends and a last blank line do
// not count.
Digest content_of(std::string_view text) {
    verify::Sha256 hasher;
    ByteCount blank_lines = 0;
    while (!text.empty()) {
        const auto raw = verify::take_line(text);
        const auto line = raw.substr(0, raw.find_last_not_of(" \t\r") + 1);
        if (line.empty()) {
            ++blank_lines;
            continue;
        }
        for (; blank_lines > 0; --blank_lines) hasher.add(as_bytes("\n"));
        hasher.add(as_bytes(line));
        hasher.add(as_bytes("\n"));
    }
    return hasher.finish();
}

Result<core::SignedText> signed_text(core::Signatures& signatures, const core::KeyringSpec& keyring, ByteView root,
                                     std::optional<ByteView> signature) {
    if (!signature) return signatures.clearsigned(keyring, root);
    if (static_cast<ByteCount>(root.size()) > limits::max_release)
        return fail(ErrorKind::Corrupt, "a Release file of {} bytes; at most {} are read", root.size(),
                    limits::max_release);
    auto signers = signatures.detached(keyring, root, *signature);
    if (!signers) return tl::unexpected(signers.error());
    return core::SignedText{std::string(as_text(root)), std::move(*signers)};
}

// The text between the header of a clearsigned file and its signature (RFC 9580 7.1), or all of another one. Nothing is
// checked.
std::string unsigned_text(std::string_view file) {
    if (!file.starts_with("-----BEGIN PGP SIGNED MESSAGE-----")) return std::string(file);
    while (!file.empty() && !verify::trim(verify::take_line(file)).empty()) {
    }
    std::string out;
    while (!file.empty()) {
        auto line = verify::take_line(file);
        if (line.starts_with("-----BEGIN PGP SIGNATURE-----")) break;
        if (line.starts_with("- ")) line.remove_prefix(2);
        out.append(line).append("\n");
    }
    return out;
}

}  // namespace

std::optional<core::OwnCopy> own_copy(std::string_view file) {
    const auto text = unsigned_text(file);
    const auto root = parse_release(text);
    if (!root) return std::nullopt;
    return core::OwnCopy{root->product, {core::mark_of(content_of(text)), root->date}};
}

Result<core::IndexRoot> open_release(core::Signatures& signatures, const core::Repository& repository, ByteView bytes,
                                     std::optional<ByteView> signature) {
    auto text = signed_text(signatures, repository.keyring, bytes, signature);
    if (!text) return tl::unexpected(text.error());
    auto root = parse_release(text->text);
    if (!root) return root;
    if (auto same = check_suite(*root, repository.suite); !same) return tl::unexpected(same.error());
    root->is_signed = true;
    root->signers = std::move(text->signers.primaries);
    if (const auto& weakness = text->signers.weakness; !weakness.empty())
        root->not_shared = fmt::format("not shared: {}, which some versions of apt do not believe", weakness);
    root->content = content_of(text->text);
    return root;
}

}  // namespace packswarm::formats
