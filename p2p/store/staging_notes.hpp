// StagingNotes: what is noted of unfinished files, beside each of them in staging. A worker writes them, since a disk
// may keep whoever makes a file waiting; of one file the newest counts. Not here: what they say (broker's RemainsNote),
// who reads them at a start (leftovers.hpp). Any thread.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>

#include "p2p/base/loop.hpp"

namespace packswarm::store {

class StagingNotes : public std::enable_shared_from_this<StagingNotes> {
  public:
    explicit StagingNotes(Workers& workers) : workers_(workers) {}

    void set(const std::filesystem::path& note, Bytes record);  // empty: it goes
    void forget(const std::filesystem::path& note);             // what has not been written of it
    void write_all();                                           // what waits, within the call

  private:
    Workers& workers_;
    std::mutex writing_;  // taken before the other
    std::mutex queue_;
    std::map<std::filesystem::path, Bytes> waiting_;
    bool has_worker_ = false;
};

}  // namespace packswarm::store
