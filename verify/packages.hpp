// Debian's Packages files (deb-control paragraphs), plain or compressed with gzip, bzip2, lzma, xz, zstd or lz4, told
// by magic. Read as a stream: memory is the entries and one line. Any thread. Errors: Corrupt (malformed, truncated,
// over a bound), Broken.
#pragma once

#include <vector>

#include "p2p/base/file.hpp"
#include "p2p/base/result.hpp"
#include "p2p/core/artifact.hpp"

namespace packswarm::verify {

// One entry for each paragraph that has Filename, Size and SHA256; a paragraph without one of them cannot be vouched
// for and is left out.
Result<std::vector<core::IndexEntry>> parse_packages(const FileHandle& file, ByteCount size);
Result<std::vector<core::IndexEntry>> parse_packages(ByteView bytes);

}  // namespace packswarm::verify
