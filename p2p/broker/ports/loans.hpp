// Files in progress that others may have pieces of; part of Peers.
#pragma once

#include "p2p/base/digest.hpp"
#include "p2p/base/trusted_file.hpp"
#include "p2p/core/lineage.hpp"

namespace packswarm::broker {

class Loans {
  public:
    virtual ~Loans() = default;
    // A file being fetched is lent to those who ask for it: nothing at first, then the pieces that mirrors gave. Staged
    // bytes of public lineages only. When it fails nothing of it may be given any more; when it was verified the rest
    // may be given too, until PeerShelf::offer follows.
    virtual void lend(const Digest& digest, const StagedFile& file, const core::Lineage& lineage) = 0;
    virtual void lend_piece(const Digest& digest, std::size_t piece) = 0;
    enum class Outcome { verified, failed };
    virtual void end_loan(const Digest& digest, Outcome outcome) = 0;
};

}  // namespace packswarm::broker
