// Flights: the requests of one transfer that are under way, at mirrors and at peers, each for one claim on the board.
// Whole small artifacts and pieces under comparison are collected in memory; ranges of large ones are handed on as they
// come.
#pragma once

#include <map>

#include "p2p/broker/ports/mirrors.hpp"
#include "p2p/broker/transfer/case.hpp"
#include "p2p/plan/plan.hpp"

namespace packswarm::broker {

class Flights {
  public:
    class Needs {  // no call for a claim that has been closed
      public:
        virtual ~Needs() = default;
        virtual void answered(plan::ClaimId claim, const MirrorHead& head) = 0;
        virtual void took(plan::ClaimId claim, ByteCount offset, Bytes data) = 0;
        virtual void ended(plan::ClaimId claim, const Result<void>& result) = 0;
    };
    struct Landed {
        plan::Claim claim;
        Bytes in_memory;
        bool has_no_ranges = false;  // its mirror did not answer with the part that was asked for
    };

    Flights(Case& part_of, Needs& needs) : case_(part_of), needs_(needs) {}
    Flights(const Flights&) = delete;
    Flights& operator=(const Flights&) = delete;

    void begin(const plan::Start& start);
    void collect(plan::ClaimId claim, ByteView data);
    ByteView in_memory(plan::ClaimId claim) const;  // what was collected
    void gives_no_ranges(plan::ClaimId claim) { open_.at(claim).has_no_ranges = true; }
    bool is_open(plan::ClaimId claim) const { return open_.count(claim) != 0; }
    std::optional<Landed> close(plan::ClaimId claim);  // cancels what is left of it; nothing: it was closed before
    std::optional<plan::ClaimId> any() const {
        return open_.empty() ? std::nullopt : std::optional(open_.begin()->first);
    }

  private:
    struct Flight {
        FetchId fetch = FetchId::none;
        Bytes in_memory;
        bool has_no_ranges = false;
    };
    FetchId ask_mirror(plan::ClaimId id, const plan::Start& start);
    FetchId ask_peer(plan::ClaimId id, const plan::Start& start);

    Case& case_;
    Needs& needs_;
    std::map<plan::ClaimId, Flight> open_;
};

}  // namespace packswarm::broker
