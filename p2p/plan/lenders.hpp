// Lenders: which peers lend which pieces of one artifact, and how many copies of each piece can be had. AgentKey,
// SourceId: how the parties of a crowd are known on the board.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "p2p/base/units.hpp"

namespace packswarm::plan {

enum class SourceId : std::uint32_t {};
using AgentKey = std::uint64_t;  // chosen at random by each agent at its start

class Lenders {
  public:
    void set(SourceId peer, std::vector<bool> pieces);  // replaces what was known of it
    void drop(SourceId peer);
    void clear();
    bool empty() const { return pieces_.empty(); }
    const std::vector<bool>& of(SourceId peer) const;  // empty: lends nothing
    bool knows(SourceId peer) const { return pieces_.count(peer) != 0; }
    int copies(std::size_t piece) const { return piece < copies_.size() ? copies_[piece] : 0; }
    const std::map<SourceId, std::vector<bool>>& all() const { return pieces_; }

  private:
    std::map<SourceId, std::vector<bool>> pieces_;
    std::vector<int> copies_;
};

}  // namespace packswarm::plan
