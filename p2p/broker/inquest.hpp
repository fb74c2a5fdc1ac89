// Inquest: the digest of an artifact from several sources is wrong; who lied? Throws away as little as it can, has it fetched again, and
// names the liar when the digest is right. Owned by its Transfer and works on the same staged file and want.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "p2p/core/board.hpp"

namespace packswarm::broker {

class Transfer;

class Inquest {
  public:
    explicit Inquest(Transfer& transfer) : transfer_(transfer) {}
    Inquest(const Inquest&) = delete;
    Inquest& operator=(const Inquest&) = delete;

    // The digest is another one. One source: it lied. Several: whoever can be named by the torrent's hints or a mirror's copy is; else
    // one after the other is left out, the others are called back, and when nobody else is left, one mirror alone is asked for everything.
    void open();
    void close();  // the digest is right
    void drop();   // nobody will know
    void go_solo(core::SourceId chosen, const char* reason);
    void forgotten(core::SourceId source);  // its bytes were thrown away
    bool has_begun() const { return has_begun_; }  // somebody gave wrong bytes, whoever it was
    bool suspects_somebody() const { return suspect_.has_value(); }
    // Nobody is left to ask: after a mirror that was tried alone the next, then who was left out on a suspicion. False: truly nobody.
    bool goes_on();

  private:
    void find_out();
    bool names_the_hints();
    bool drop_discredited(const std::vector<core::SourceId>& givers);
    bool drop_suspect(const std::vector<core::SourceId>& givers);
    std::optional<core::SourceId> next_alone() const;
    bool call_back();  // who was left out on a suspicion is asked after all

    Transfer& transfer_;
    std::set<core::SourceId> tried_alone_;
    std::optional<core::SourceId> suspect_;  // whose bytes were left out; the liar if that helps
    std::set<core::SourceId> suspected_;     // has been left out once
    std::vector<core::SourceId> left_out_;   // barred since they failed elsewhere, or were suspects once
    int last_chances_ = 0;
    bool has_begun_ = false;
    bool is_at_work_ = false;                // what is thrown away is its own doing
};

}  // namespace packswarm::broker
