// Debian's Release files (wiki.debian.org/DebianRepository/Format): the text behind a signature, taken apart into an
// IndexRoot. Not here: signatures (index_root.hpp). Any thread. An odd line hides no other. Errors: Corrupt
// (no Date, too large), Refused (none but weak hashes).
#pragma once

#include <optional>
#include <string_view>

#include "p2p/base/result.hpp"
#include "p2p/core/artifact.hpp"

namespace packswarm::formats {

// Fills everything but digest, is_signed and signers. Where apt has a rule for what is said twice, it is followed: of
// fields and hash sections the last counts, of lines of one file the first, of paragraphs the first.
Result<core::IndexRoot> parse_release(std::string_view text);
// What a repository's signer calls it: Origin, Label and Codename (or Suite), in one digest.
Digest product_of(const core::IndexRoot& root);
// "Sat, 11 Jul 2026 10:16:37 UTC" (RFC 1123; UTC, GMT, Z and +0000 are the same).
std::optional<WallTime> parse_date(std::string_view text);
// apt's rule (apt-pkg/deb/debmetaindex.cc): suite or codename equals the suite of sources, or the part of it before the
// last '/'. Corrupt when it is another suite's file. Flat repositories need not name one.
Result<void> check_suite(const core::IndexRoot& root, std::string_view suite);

}  // namespace packswarm::formats
