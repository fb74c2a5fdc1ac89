// View: the board at one moment as the rules see it: who can be asked, how fast all is, which large file comes first,
// which claims are late. Facts only: nothing changes while a plan is made. Not here: what the plan has begun
// (draft.hpp), any decision (rules.hpp).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "p2p/plan/board.hpp"
#include "p2p/plan/line_state.hpp"

namespace packswarm::plan {

class View {
  public:
    View(const Board& board, TimePoint now);
    View(const View&) = delete;
    View& operator=(const View&) = delete;

    struct Large {
        WantId id{};
        const Want* want = nullptr;
        ByteCount left = 0;  // that nobody has begun
    };
    struct Small {
        WantId id{};
        const Want* want = nullptr;
    };

    const Board& board() const { return board_; }
    TimePoint now() const { return now_; }
    const LineState& line() const { return line_; }
    double age(TimePoint then) const { return seconds_between(then, now_); }

    // ---- Sources
    const Source& source(SourceId id) const { return board_.sources.at(id); }
    double rate(SourceId id) const;  // bytes a second; a guess where nobody has measured it
    bool may_ask(const Want& want, SourceId id) const;
    bool is_mute(SourceId id) const { return mute_.count(id) != 0; }
    bool is_willing(SourceId id) const { return source(id).usable && !is_mute(id); }
    // Sources set back are asked only when no other is left: a mirror that failed for something else may still save
    // this one.
    std::vector<SourceId> candidates(const Want& want, const std::vector<SourceId>& from) const;
    bool has_candidate(const Want& want, const std::vector<SourceId>& from) const;
    std::vector<SourceId> lan_peers(const Want& want) const;

    // ---- Wants, but for those that are complete
    const std::vector<Large>& large() const { return large_; }  // those with the least left to begin first
    const std::vector<Small>& small() const { return small_; }  // in order of arrival
    const std::map<WantId, core::RangeSet>& taken() const {
        return taken_;
    }                                             // of large ones: bytes that are here or claimed
    std::size_t crowd() const { return crowd_; }  // the most agents that want the same large artifact, less this one
    // The large file that is finished before much is begun behind it: its digest tells who can be believed, and until
    // then every byte of a mirror may be for nothing.
    std::optional<WantId> front() const { return front_; }
    static bool is_crowded(const Want& want) { return !want.crowd.seekers.empty() || !want.crowd.lenders.empty(); }
    // What nobody waits for yet comes last, but for a crowd's: soonest whole, it is soonest given on, and not lost when
    // all mirrors go.
    static bool comes_after(const Want& want) { return want.is_prefetch && !is_crowded(want); }
    // Piece hashes of strangers are tried with one file, once a mirror has given a piece that they can be held against,
    // unless nobody else is left to ask.
    bool is_believed(const Want& want) const;
    static bool has_whole_piece(const Want& want);
    bool is_moving(const SwarmPart& swarm) const;
    // Several torrents share a neighbour's line: one that the others starve is as well served as they are.
    bool lan_serves(const Want& want) const;
    bool anything_comes() const;  // a package manager that is handed one file after the other is at work as well

    // ---- Rates and times
    double mirror_rate() const { return mirror_rate_; }  // bytes a second, of all mirrors that may be asked
    double swarm_rate() const { return swarm_rate_; }    // of torrents and lenders
    double bytes_left() const { return bytes_left_; }
    double drain_s() const;                  // until everything on the board would be here if all went on as now
    double drain_s(const Want& want) const;  // the same, of what is needed as soon as this
    // What each of a crowd needs for its share of everything at the mirrors, if they serve all as they serve us.
    double share_s() const;
    double parts_rate(const Want& want,
                      SourceId except) const;  // bytes a second that others can give to the file in parts

    // ---- Claims
    double speed(const Claim& claim) const;  // bytes a second
    // Slow because all mirrors come over one line that is full: from another the same bytes would come no sooner.
    bool is_held_by_the_line(const Want& want, const Claim& claim) const;
    bool is_stalled(const Want& want, const Claim& claim) const;
    // Its bytes are here by now. It stays open all the same while its source is silent: that nothing comes tells of
    // such a source.
    static bool is_served(const Want& want, const Claim& claim);
    double eta_left_s(const Want& want, const Claim& claim) const;
    bool is_late(const Want& want, const Claim& claim, double others_s) const;

  private:
    void find_mute();
    void measure();
    void sort_wants();
    void find_front();
    std::optional<WantId> first_that_grows(double silent_s) const;
    double silence_s(const Want& want, const Claim& claim) const;

    const Board& board_;
    const TimePoint now_;
    const LineState line_;
    std::vector<Large> large_;
    std::vector<Small> small_;
    std::map<WantId, core::RangeSet> taken_;
    std::size_t crowd_ = 0;
    std::set<SourceId> mute_;
    std::optional<WantId> front_;
    double bytes_left_ = 0, awaited_left_ = 0;
    double mirror_rate_ = 0, swarm_rate_ = 0;
    std::map<SourceId, double> lan_rates_;  // of a neighbour: all torrents that it may have a part in
};

}  // namespace packswarm::plan
