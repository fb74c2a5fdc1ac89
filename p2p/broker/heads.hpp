// Heads: the first bytes of an artifact as each source gave them. What two mirrors agree on may go out before the digest has spoken, and
// so may what the only mirror gives; of a small one, which comes whole and in memory, only to somebody who has waited for long. Owned by
// its Transfer and works on the same staged file and want.
#pragma once

#include <map>

#include "p2p/core/board.hpp"

namespace packswarm::broker {

class Transfer;

class Heads {
  public:
    explicit Heads(Transfer& transfer) : transfer_(transfer) {}
    Heads(const Heads&) = delete;
    Heads& operator=(const Heads&) = delete;

    void compare(core::SourceId from, Bytes head);  // a mirror's copy, fetched for that
    void settle();                                  // what is here now may decide it
    // More of a small one came; so_far: all of it that this claim has brought.
    void arriving(const core::Claim& claim, const Bytes& so_far);
    void replaced_by(ByteView content);  // a small one is here, and about to be written where its head stands
    void forgotten();                    // bytes that were safe have been thrown away
    // The digest has spoken: what went out before is what the file begins with.
    bool were_true() const;

  private:
    bool stands_alone(core::SourceId source) const;
    bool collect(ByteCount length);  // votes of those who gave it as part of their work; false: the disk failed
    void agreed(const Bytes& head);
    void show(ByteView head);
    void stand_again();
    bool is_here(const Bytes& head) const;

    Transfer& transfer_;
    std::map<core::SourceId, Bytes> votes_;
    Bytes shown_;
    bool is_contradicted_ = false;
};

}  // namespace packswarm::broker
