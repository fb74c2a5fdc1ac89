// FloorFile: the floors once more as text, one line each: seconds since the epoch, root digest, lineage. It outlives a
// lost database, and an owner can read it. Not here: which floor counts (ledger.cpp). Loop's thread. Errors: Broken.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "p2p/broker/ports.hpp"

namespace packswarm::store {

using Floors = std::map<std::string, broker::Floor>;  // by lineage

class FloorFile {
  public:
    explicit FloorFile(std::filesystem::path path) : path_(std::move(path)) {}
    Result<Floors> read() const;  // empty when there is no file; lines that make no sense are logged and left out
    Result<void> write(const Floors& floors) const;  // durable when it returns

  private:
    std::filesystem::path path_;
};

}  // namespace packswarm::store
