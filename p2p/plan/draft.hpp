// Draft: what this plan has begun so far, and what each source has in hand with that: whether it may have more. The
// only part of the planner that changes. Not here: facts of the board (view.hpp), the rules (rules.hpp).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "p2p/plan/plan.hpp"
#include "p2p/plan/view.hpp"

namespace packswarm::plan {

class Draft {
  public:
    explicit Draft(const View& view);
    Draft(const Draft&) = delete;
    Draft& operator=(const Draft&) = delete;

    const View& view() const { return view_; }

    // ---- What the plan begins and ends
    void start(WantId want, SourceId by, ByteRange range, Purpose purpose, const char* reason);
    void stop(WantId want, ClaimId claim, const char* reason) { out_.stops.push_back({want, claim, reason}); }
    void shorten(WantId want, ClaimId claim, ByteCount end) { out_.shortens.push_back({want, claim, end}); }
    void join(WantId want) { out_.joins.push_back(want); }
    void give_up(WantId want) { out_.give_ups.push_back(want); }
    Decisions decisions() && { return std::move(out_); }

    bool starts_anything() const { return !out_.starts.empty(); }
    bool begins(WantId want) const { return new_claims_.count(want) != 0; }  // work, not checks
    bool begins_within(WantId want, ByteRange range) const;
    bool stops_one_of(WantId want) const;
    bool joins(WantId want) const;

    // Bytes of a large artifact that are here, or that somebody is at work on or has just been given.
    const core::RangeSet& taken(WantId id) const { return taken_.at(id); }
    int claims_of(WantId id, const Want& want, SourceId by) const;  // for work

    // ---- Places
    int busy(SourceId id) const { return busy_.at(id); }  // claims in flight
    // A stranger shows that it gives right bytes before much is asked of it.
    bool is_free(SourceId id) const;
    bool has_free(const std::vector<SourceId>& from) const;
    // One place of each source stays free of what nobody waits for, so that whoever comes to wait need not do so behind
    // it.
    bool is_free_for(const Want& want, SourceId id) const;
    bool has_enough(const Want& want, SourceId id) const;
    bool has_its_few(const Want& want, SourceId by) const;
    bool has_its_share(SourceId by) const;
    int parts_in_hand(SourceId by) const;  // claims on parts of large artifacts
    // How much more a source may give to that file now: what it has proven counts fourfold.
    ByteCount credit(WantId id, SourceId by) const;
    ByteCount unverified(SourceId by) const;  // of large artifacts: given or under way

    // ---- Times, beside what the source has in hand already
    double eta_s(SourceId id, ByteCount bytes) const;
    double eta_of_best(const std::vector<SourceId>& from, ByteCount bytes) const;  // of those that are free
    // In a crowd the mirrors are for what nobody has: a peer may take longer than they would.
    bool spares_mirrors(const Want& want, const std::vector<SourceId>& peers,
                        const std::vector<SourceId>& mirrors) const;
    // The mirror that can soonest say whether somebody gave right bytes. Nobody: there is no choice but to believe
    // them.
    std::optional<SourceId> judge(const Want& want, SourceId tried) const;

  private:
    void count_claims();
    void count_large();

    const View& view_;
    Decisions out_;
    std::map<WantId, core::RangeSet> taken_;
    std::map<WantId, core::RangeSet> new_claims_;
    std::map<SourceId, int> busy_;
    std::map<SourceId, ByteCount> in_hand_;  // bytes that a source has still to give
    double all_in_hand_ = 0;
    int flights_ = 0, awaited_flights_ = 0;  // claims in all, and those for what somebody waits for
    std::map<SourceId, int> ranged_;
    std::map<SourceId, ByteCount> unverified_;
    std::map<SourceId, ByteCount> prefetch_;  // unverified bytes of large files behind the front: given or under way
};

}  // namespace packswarm::plan
