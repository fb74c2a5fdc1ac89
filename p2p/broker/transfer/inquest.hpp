// Inquest: the digest of an artifact from several sources is wrong; who lied? Throws away as little as it can, has it
// fetched again, and names the liar when the digest is right. Not here: who is suspected next (plan/suspects.hpp).
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "p2p/broker/transfer/case.hpp"

namespace packswarm::broker {

class Inquest {
  public:
    class Needs {
      public:
        virtual ~Needs() = default;
        // Hints are lies when everything here agreed with them. The torrent ends in any case. True: they are, and their
        // givers are blamed.
        virtual bool names_the_hints() = 0;
        virtual bool questions_lenders() = 0;  // they gave bytes, and are compared before anybody else is suspected
        virtual void borrow_no_more() = 0;
        virtual void stop(plan::ClaimId claim, const char* reason) = 0;
    };
    Inquest(Case& part_of, Needs& needs) : case_(part_of), needs_(needs) {}
    Inquest(const Inquest&) = delete;
    Inquest& operator=(const Inquest&) = delete;

    // The digest is another one. One source: it lied. Several: whoever can be named by the torrent's hints or a
    // mirror's copy is; else one after the other is left out, the others are called back, and when nobody else is left,
    // one mirror alone is asked for everything.
    void open();
    void close();  // the digest is right
    void drop();   // nobody will know
    void go_solo(plan::SourceId chosen, const char* reason);
    void forgotten(plan::SourceId source);         // its bytes are about to be thrown away
    bool has_begun() const { return has_begun_; }  // somebody gave wrong bytes, whoever it was
    bool suspects_somebody() const { return suspect_.has_value(); }
    // Nobody is left to ask: after a mirror that was tried alone the next, then who was left out on a suspicion. False:
    // truly nobody.
    bool goes_on();

  private:
    void find_out();
    bool drop_discredited();
    bool drop_suspect();
    std::optional<plan::SourceId> next_alone() const;
    bool call_back();  // who was left out on a suspicion is asked after all
    std::vector<plan::SourceId> mirrors() const;

    Case& case_;
    Needs& needs_;
    std::set<plan::SourceId> tried_alone_;
    std::optional<plan::SourceId> suspect_;  // whose bytes were left out; the liar if that helps
    std::set<plan::SourceId> suspected_;     // has been left out once
    std::vector<plan::SourceId> left_out_;   // barred since they failed elsewhere, or were suspects once
    int last_chances_ = 0;
    bool has_begun_ = false;
    bool is_at_work_ = false;  // what is thrown away is its own doing
};

}  // namespace packswarm::broker
