// Debian's Packages files (deb-control paragraphs), plain or compressed with gzip, bzip2, lzma, xz, zstd or lz4, told
// by magic. Read as a stream: memory is the entries and one line. An odd paragraph hides no other. Any thread. Errors:
// Corrupt (no Packages file, truncated, over a bound of the whole), Broken.
#pragma once

#include <vector>

#include "p2p/base/file.hpp"
#include "p2p/base/result.hpp"
#include "p2p/core/artifact.hpp"

namespace packswarm::formats {

// Left out: paragraphs that are malformed, too long, or without Filename, Size or SHA256.
Result<core::PackageList> parse_packages(const FileHandle& file, ByteCount size);
Result<core::PackageList> parse_packages(ByteView bytes);
// A file that anybody may have written, and may still be writing: its entries count when the very text they were read
// from has the digest and size that `plain` says. Absent: it is another one.
Result<core::PackageList> parse_packages(const FileHandle& file, const core::IndexEntry& plain);

}  // namespace packswarm::formats
