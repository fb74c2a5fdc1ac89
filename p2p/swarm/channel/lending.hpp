// Lending: files being fetched whose pieces from mirrors are given to others before anybody could verify the whole.
// Staged files only; each is known by its digest. Not here: who asked (giver.hpp), what came from a mirror (broker).
// Network thread.
#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

#include "p2p/base/trusted_file.hpp"
#include "p2p/swarm/offered_files.hpp"

namespace packswarm::swarm {

struct Loan {
    StagedFile file;
    LineageId lineage;
    std::vector<bool> pieces;  // that may be given
    bool is_news = false;      // since changed() was last called
    TimePoint end{};           // not zero: verified, and gone then
};

class Lending {
  public:
    void lend(const Digest& digest, StagedFile file, const LineageId& lineage);
    void add(const Digest& digest, std::size_t piece);
    void verified(const Digest& digest, TimePoint now);  // all of it may be given, until it is offered
    void end(const Digest& digest) { loans_.erase(digest); }
    void expire(TimePoint now);

    const Loan* find(const Digest& digest) const;
    std::vector<Digest> changed();
    // Fills out from offset on; Absent when not all of that is lent.
    Result<void> read(const Digest& digest, ByteCount offset, std::span<char> out) const;

  private:
    std::unordered_map<Digest, Loan> loans_;
};

}  // namespace packswarm::swarm
