// PrefixCheck: how much of the file may go out before the digest has spoken. What two mirrors agree on may, and so may
// what the only mirror gives; of a small artifact, which comes whole and in memory, only to somebody who has waited for
// long.
#pragma once

#include <map>

#include "p2p/broker/transfer/case.hpp"

namespace packswarm::broker {

class PrefixCheck {
  public:
    class Needs {
      public:
        virtual ~Needs() = default;
        virtual ByteView in_memory(plan::ClaimId claim) const = 0;  // what a claim on a small artifact has brought
        virtual void go_solo(plan::SourceId mirror, const char* reason) = 0;
        virtual void shown() = 0;      // the first bytes of a small artifact are in the file, and may go out
        virtual void withdrawn() = 0;  // what was said to be safe is not
    };
    PrefixCheck(Case& part_of, Needs& needs) : case_(part_of), needs_(needs) {}
    PrefixCheck(const PrefixCheck&) = delete;
    PrefixCheck& operator=(const PrefixCheck&) = delete;

    ByteCount safe() const { return safe_; }        // bytes that may go out
    void compare(plan::SourceId from, Bytes head);  // a mirror's copy, fetched for that
    void settle();                                  // what is here now may decide it
    // More of a small one came; so_far: all of it that this claim has brought.
    void arriving(const plan::Claim& claim, ByteView so_far);
    // With a single source there is nobody to compare with: its bytes go out as they would without us, but for the last
    // one. What peers lent is not its.
    void trust_the_only_mirror();
    void replaced_by(ByteView content);       // a small one is here, and about to be written where its head stands
    void lost(const core::RangeSet& ranges);  // these bytes have been thrown away
    void all_is_true() { safe_ = case_.target.size; }
    // The digest has spoken: what went out before is what the file begins with.
    bool was_true() const { return !is_contradicted_ && (shown_.empty() || is_here(shown_)); }

  private:
    bool stands_alone(plan::SourceId source) const;
    bool collect(ByteCount length);  // votes of those who gave it as part of their work; false: the disk failed
    void agreed(const Bytes& head);
    void show(Bytes head);
    void is_shown();
    void stand_again();
    bool is_here(const Bytes& head) const;

    Case& case_;
    Needs& needs_;
    std::map<plan::SourceId, Bytes> votes_;
    Bytes shown_, to_be_shown_;  // the second: on its way into the file
    ByteCount safe_ = 0;
    bool is_contradicted_ = false;
};

}  // namespace packswarm::broker
