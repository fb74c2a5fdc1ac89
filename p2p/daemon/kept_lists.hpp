// KeptLists: the package lists that apt keeps on this machine, patched by it or not, by the names that it gives them.
// Any user may have named the folder: who reads a list holds it against the signed index. Not here: reading (verify).
// Loop's thread.
#pragma once

#include <filesystem>

#include "p2p/broker/missing_indexes.hpp"

namespace packswarm::daemon {

class KeptLists final : public broker::LocalLists {
  public:
    explicit KeptLists(std::filesystem::path folder) : folder_(std::move(folder)) {}

    void set_folder(std::filesystem::path folder) { folder_ = std::move(folder); }
    void told(const std::string& folder) override;
    // Absent: apt keeps no such list, and has not been seen at work. Transient: not this version of it, or not yet.
    Result<FileHandle> open(const core::Repository& repository, const core::IndexEntry& plain) override;

  private:
    std::filesystem::path folder_, told_;
};

}  // namespace packswarm::daemon
