// Unpacked: the bytes of a file behind at most one layer of compression (gzip, bzip2, lzma, xz, zstd, lz4; told by
// magic), as a stream of blocks with a bound on what comes out. Over libarchive's filters. Any thread, one object at a
// time. Errors: Corrupt (malformed, truncated, several layers, over the bound), Broken (reading failed).
#pragma once

#include <memory>

#include "p2p/base/file.hpp"
#include "p2p/base/result.hpp"
#include "p2p/base/units.hpp"

namespace packswarm::formats {

struct UnpackBounds {
    ByteCount max_bytes = 0;  // of unpacked bytes
    int max_ratio = 0;        // unpacked bytes may be this many times the packed ones (+ 1 MiB); 0: any
};

class Unpacked {
  public:
    // file and bytes must outlive the object.
    static Result<Unpacked> open(const FileHandle& file, ByteCount size, UnpackBounds bounds);
    static Result<Unpacked> open(ByteView bytes, UnpackBounds bounds);
    Unpacked(Unpacked&&) noexcept;
    Unpacked& operator=(Unpacked&&) noexcept;
    ~Unpacked();

    // The next block, valid until the next call; empty at the end.
    Result<ByteView> next();

  private:
    struct State;
    explicit Unpacked(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace packswarm::formats
