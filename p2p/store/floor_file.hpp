// FloorFile: the floors once more as text, one line each: seconds since the epoch, root digest, name, and a checksum of
// all. It outlives a lost database, and an owner can read it. Not here: which floor counts (ledger.cpp). Loop's
// thread. Errors: Broken.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "p2p/broker/ports/ledger.hpp"

namespace packswarm::store {

using Floors = std::map<core::FloorName, broker::Floor>;

struct FloorText {
    Floors floors;        // of the lines that can be read
    std::string problem;  // why it cannot be relied on; empty: it can, or there is none
};

class FloorFile {
  public:
    explicit FloorFile(std::filesystem::path path) : path_(std::move(path)) {}
    FloorText read() const;
    Result<void> write(const Floors& floors) const;  // durable when it returns

    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

}  // namespace packswarm::store
