// Outlook: the board as the planner sees it at one moment: who can be asked, how fast all is, which large file comes first; and what
// this plan has begun already. Not here: any decision (plan.cpp).
#pragma once

#include <algorithm>
#include <iterator>
#include <limits>
#include <optional>
#include <tuple>

#include "p2p/core/canonical.hpp"
#include "p2p/core/crowd.hpp"
#include "p2p/core/line_state.hpp"

namespace packswarm::core {

class Outlook {
  public:
    Outlook(const Board& board, TimePoint now) : board_(board), now_(now), line_(board, now) {
        for (const auto& [id, source] : board.sources) busy_[id] = source.busy;
        count_claims();
        find_mute();
        measure();
        sort_wants();
        find_front();
    }

  protected:
    static constexpr ByteCount first_chunk = 512 * limits::kib;  // for a source nobody has measured
    static constexpr ByteCount first_credit = limits::mib;  // unverified bytes of later files that a source with nothing proven may give
    static constexpr double front_silent_s = 0.5;         // a front that does not grow for so long gives way to the next that does;
    static constexpr double all_silent_s = 3;             // when none does for so long nobody is held back,
    static constexpr double front_checked_s = 2;          // nor by one whose digest takes so long
    static constexpr double lan_is_enough = 4;            // times the mirrors' rate: beyond it they would only be loaded for nothing
    static constexpr double stalled_s = 1.5;              // silence, beyond the source's patience, that counts as a stall
    static constexpr double stalled_peer_s = 4;           // of a stranger's line, which many pull at
    static constexpr double swarm_silent_s = 2;
    static constexpr double lenders_silent_s = 10;        // how long a file whose last sources are peers waits for one of them to get more
    static constexpr double slow_s = 4;                   // no small file is late before
    static constexpr int slots_of_a_stranger = 2;         // until a digest or a mirror has agreed with what it gave
    static constexpr double enough_s = 4;      // of work in hand: more waits behind it, unless more at once bring more:
    static constexpr double unfair = 4;        // how much less than its share a transfer may get of a line,
    static constexpr double slow_unfair = 16;  // and of a slow one
    static constexpr double waits_in_line_s = 5;          // silence of a transfer that others on a full line keep from its turn
    static constexpr ByteCount unmeasured_enough = 512 * limits::kib;  // in hand of a mirror that nobody has measured
    static constexpr double unseen_s = 20;                // who takes a small file as it comes should see something by then

    const Source& source(SourceId id) const { return board_.sources.at(id); }
    double rate(SourceId id) const { return source(id).rate > 0 ? source(id).rate : guessed_rate; }
    // A stranger shows that it gives right bytes before much is asked of it.
    bool is_free(SourceId id) const {
        const auto& it = source(id);
        return busy_.at(id) < (it.role == Role::mirror || it.proven + it.trusted > 0 ? it.slots : std::min(it.slots, slots_of_a_stranger));
    }
    // One place of each source stays free of what nobody waits for, so that whoever comes to wait need not do so behind it.
    bool is_free_for(const Want& want, SourceId id) const {
        if (!is_free(id) || has_enough(want, id)) return false;
        return !want.ahead || busy_.at(id) + 1 < std::max(2, source(id).slots);
    }

    // A mirror that has work for long: what it is asked for beside that would wait in the same queue, here or there,
    // and be whole later than one after the other. Unless more at once bring more, as they do where a mirror is slow to
    // each connection; what is not known yet is found out with one more at a time. What nobody waits for does not begin
    // before the line is known. A crowd has rules of its own.
    bool has_enough(const Want& want, SourceId id) const {
        if (source(id).role != Role::mirror || crowd_ > 0 || is_crowded(want)) return false;
        if (want.ahead && awaited_flights_ > 0 && !line_.is_measured()) return true;
        const bool unseen = want.is_small() && want.claims.empty() && age(want.created) > unseen_s;
        if (unseen && candidates(want, want.mirrors).size() < 2) return false;  // no second one's head could be shown
        if (line_.is_shared()) return line_.is_enough(all_in_hand_);
        const auto found = in_hand_.find(id);
        const ByteCount in_hand = found == in_hand_.end() ? 0 : found->second;
        if (!source(id).rate_known && !line_.is_measured()) return in_hand >= unmeasured_enough;
        if (in_hand == 0 || static_cast<double>(in_hand) < enough_s * rate(id)) return false;
        return (want.ahead && !line_.grows()) || !line_.takes_one_more(flights_);
    }

    double age(TimePoint then) const { return seconds_between(then, now_); }

    bool may_ask(const Want& want, SourceId id) const {
        const auto at = board_.sources.find(id);
        return at != board_.sources.end() && !at->second.doubted && want.barred.count(id) == 0;
    }

    // A source with a stalled claim from which nothing else has come lately either: it is not given more until it speaks again.
    void find_mute() {
        std::set<SourceId> stalled, speaking;
        for (const auto& [id, want] : board_.wants)
            for (const auto& [claim_id, claim] : want.claims) {
                if (board_.sources.count(claim.source) == 0) continue;
                if (is_stalled(want, claim)) stalled.insert(claim.source);
                if (claim.received > 0 && age(claim.last_byte) < stalled_s) speaking.insert(claim.source);
            }
        std::set_difference(stalled.begin(), stalled.end(), speaking.begin(), speaking.end(), std::inserter(mute_, mute_.end()));
    }
    bool is_willing(SourceId id) const { return source(id).usable && mute_.count(id) == 0; }

    // Sources set back are asked only when no other is left: a mirror that failed for something else may still save this one.
    std::vector<SourceId> candidates(const Want& want, const std::vector<SourceId>& from) const {
        std::vector<SourceId> usable, set_back;
        for (const auto id : from)
            if (may_ask(want, id)) (is_willing(id) ? usable : set_back).push_back(id);
        return usable.empty() ? set_back : usable;
    }

    bool has_candidate(const Want& want, const std::vector<SourceId>& from) const {
        return std::any_of(from.begin(), from.end(), [&](SourceId id) { return may_ask(want, id); });
    }
    bool has_free(const std::vector<SourceId>& from) const {
        return std::any_of(from.begin(), from.end(), [this](SourceId id) { return board_.sources.count(id) != 0 && is_free(id); });
    }

    std::vector<SourceId> lan_peers(const Want& want) const {
        std::vector<SourceId> out;
        for (const auto id : want.peers)
            if (may_ask(want, id) && source(id).role == Role::lan_peer && is_willing(id)) out.push_back(id);
        return out;
    }

    // Bytes of a large artifact that are here, or that somebody is at work on or has just been given.
    const RangeSet& taken(WantId id) const { return taken_.at(id); }

    void count_claims() {
        for (const auto& [id, want] : board_.wants) {
            if (want.resting) continue;
            for (const auto& [claim_id, claim] : want.claims) {
                in_hand_[claim.source] += claim.left();
                all_in_hand_ += static_cast<double>(claim.left());
                ++flights_;
                if (!want.ahead) ++awaited_flights_;
            }
        }
    }

    void measure() {
        std::set<SourceId> mirrors, lenders;
        for (const auto& [id, want] : board_.wants) {
            if (want.resting) continue;
            for (const auto& [peer, pieces] : want.crowd.lenders.all())
                if (may_ask(want, peer) && source(peer).rate_known && is_willing(peer)) lenders.insert(peer);
            bytes_left_ += static_cast<double>(want.size - want.done.total());
            if (!want.ahead) awaited_left_ += static_cast<double>(want.size - want.done.total());
            swarm_rate_ += want.swarm.joined ? want.swarm.rate : 0;
            if (want.swarm.joined && want.swarm.lan)
                for (const auto peer : lan_peers(want)) lan_rates_[peer] += want.swarm.rate;
            const bool all_counted = std::all_of(want.mirrors.begin(), want.mirrors.end(), [&](SourceId mirror) { return mirrors.count(mirror) != 0; });
            if (all_counted) continue;
            for (const auto mirror : candidates(want, want.mirrors)) mirrors.insert(mirror);
        }
        for (const auto mirror : mirrors) mirror_rate_ += rate(mirror);
        for (const auto peer : lenders) swarm_rate_ += rate(peer);
    }

    static bool is_crowded(const Want& want) { return !want.crowd.seekers.empty() || !want.crowd.lenders.empty(); }
    // What nobody waits for yet comes last, but for a crowd's: soonest whole, it is soonest given on, and not lost when all mirrors go.
    static bool comes_after(const Want& want) { return want.ahead && !is_crowded(want); }

    // Those with the least left to begin come first: what is complete frees its asker's slot, and the sum of the work stays the same.
    void sort_wants() {
        for (const auto& [id, want] : board_.wants) {
            if (want.resting) continue;
            if (want.is_small()) {
                small_.push_back({id, &want});
                continue;
            }
            const auto& taken = taken_[id] = want.taken();
            large_.push_back({id, &want, want.size - taken.total()});
            crowd_ = std::max({crowd_, want.crowd.seekers.size(), want.crowd.lenders.all().size()});
            for (const auto& [by, bytes] : want.given) unverified_[by] += bytes;
            for (const auto& [claim_id, claim] : want.claims) {
                ranged_[claim.source] += claim.purpose == Purpose::work ? 1 : 0;
                unverified_[claim.source] += claim.left();
            }
        }
        std::stable_sort(large_.begin(), large_.end(), [](const Large& a, const Large& b) { return std::tuple(comes_after(*a.want), a.left) < std::tuple(comes_after(*b.want), b.left); });
    }

    // The large file with the least left is finished before much is begun behind it: its digest tells who can be believed, and until
    // then every byte of a mirror may be for nothing.
    void find_front() {
        const auto front = std::find_if(board_.wants.begin(), board_.wants.end(), [this](const auto& item) {
            return item.second.resting && !item.second.is_small() && age(item.second.grown) < front_checked_s;
        });
        if (front != board_.wants.end()) {
            front_ = front->first;
        } else {
            front_ = first_that_grows(front_silent_s);
            if (!front_) front_ = first_that_grows(all_silent_s);
            if (!front_) return;
        }
        for (const auto& [id, want] : board_.wants) {
            if (id == *front_ || want.is_small()) continue;
            for (const auto& [by, bytes] : want.given) ahead_[by] += bytes;
            for (const auto& [claim_id, claim] : want.claims) ahead_[claim.source] += claim.left();
        }
    }

    std::optional<WantId> first_that_grows(double silent_s) const {
        for (const auto& one : large_)
            if (!one.want->mirrors.empty() && !lan_serves(*one.want) && age(std::max(one.want->created, one.want->grown)) <= silent_s) return one.id;
        return std::nullopt;
    }

    // How much more a source may give to that file now: what it has proven counts fourfold.
    ByteCount credit(WantId id, SourceId by) const {
        if (!front_ || id == *front_) return std::numeric_limits<ByteCount>::max();
        const auto ahead = ahead_.find(by);
        return first_credit + 4 * source(by).proven - (ahead == ahead_.end() ? 0 : ahead->second);
    }

    // Seconds until everything on the board would be here if all went on as now.
    double drain_s() const { return bytes_left_ / std::max(1.0, mirror_rate_ + swarm_rate_); }
    // The same, of what is needed as soon as this.
    double drain_s(const Want& want) const { return (want.ahead ? bytes_left_ : awaited_left_) / std::max(1.0, mirror_rate_ + swarm_rate_); }

    // Seconds this source would need for that many bytes beside what it has in hand already.
    double eta_s(SourceId id, ByteCount bytes) const {
        return source(id).first_byte_s + static_cast<double>(bytes) * (busy_.at(id) + 1) / rate(id);
    }

    double eta_of_best(const std::vector<SourceId>& from, ByteCount bytes) const {
        double out = std::numeric_limits<double>::max();
        for (const auto by : from)
            if (is_free(by)) out = std::min(out, eta_s(by, bytes));
        return out;
    }

    // In a crowd the mirrors are for what nobody has: a peer may take longer than they would.
    bool spares_mirrors(const Want& want, const std::vector<SourceId>& peers,
                        const std::vector<SourceId>& mirrors) const {
        return !peers.empty() && eta_of_best(peers, want.size) < 3 * eta_of_best(mirrors, want.size) + 0.3;
    }

    // What each of a crowd needs for its share of everything at the mirrors, if they serve all as they serve us.
    double share_s() const { return bytes_left_ / static_cast<double>(crowd_ + 1) / std::max(1.0, mirror_rate_); }

    // The mirror that can soonest say whether somebody gave right bytes. Nobody: there is no choice but to believe
    // them.
    std::optional<SourceId> judge(const Want& want, SourceId tried) const {
        std::optional<SourceId> best;
        for (const auto id : want.mirrors)
            if (id != tried && may_ask(want, id) && is_willing(id) && source(id).ranges && (!best || eta_s(id, first_chunk) < eta_s(*best, first_chunk))) best = id;
        return best;
    }

    // Piece hashes of strangers are tried with one file, once a mirror has given a piece that they can be held against,
    // unless nobody else is left to ask.
    bool is_believed(const Want& want) const {
        const auto honest = [this](SourceId by) { return board_.sources.count(by) != 0 && (source(by).role == Role::lan_peer || source(by).proven > 0); };
        const bool has_mirror = std::any_of(want.mirrors.begin(), want.mirrors.end(), [&](SourceId by) { return may_ask(want, by) && is_willing(by); });
        return !has_mirror || std::any_of(want.peers.begin(), want.peers.end(), honest);
    }
    static bool has_whole_piece(const Want& want) {
        const auto runs = want.done.ranges();
        const ByteCount piece = piece_length(want.size);
        return std::any_of(runs.begin(), runs.end(), [&](ByteRange run) { return (run.begin + piece - 1) / piece * piece + piece <= run.end || run == ByteRange{0, want.size}; });
    }

    bool is_moving(const SwarmPart& swarm) const { return swarm.joined && age(std::max(swarm.since, swarm.last_piece)) <= swarm_silent_s; }

    // Several torrents share a neighbour's line: one that the others starve is as well served as they are.
    bool lan_serves(const Want& want) const {
        if (want.is_small()) return !lan_peers(want).empty();
        if (!want.swarm.joined || !want.swarm.lan || !is_moving(want.swarm)) return false;
        double fastest = want.swarm.rate;
        for (const auto peer : lan_peers(want))
            if (const auto at = lan_rates_.find(peer); at != lan_rates_.end()) fastest = std::max(fastest, at->second);
        return want.swarm.rate == 0 || fastest >= lan_is_enough * mirror_rate_;
    }

    // Bytes a second that others can give to the file in parts.
    double parts_rate(const Want& want, SourceId except) const {
        double out = is_moving(want.swarm) ? std::max(want.swarm.rate, 1.0) : 0;
        for (const auto id : want.mirrors)
            if (id != except && may_ask(want, id) && is_willing(id) && source(id).ranges) out += rate(id);
        // Lenders that lack a part of it may wait for us as we would for them.
        RangeSet lent = want.done;
        double lenders = 0;
        for (const auto& [peer, pieces] : want.crowd.lenders.all()) {
            if (!may_ask(want, peer) || !is_willing(peer)) continue;
            lenders += rate(peer);
            for (std::size_t piece = 0; piece < pieces.size(); ++piece)
                if (pieces[piece]) lent.add(piece_range(want.size, piece));
        }
        return lent.total() == want.size ? out + lenders : out;
    }

    double speed(const Claim& claim) const {
        const double took = age(claim.started) - source(claim.source).first_byte_s;
        if (claim.received > 0 && took > 0.5) return static_cast<double>(claim.received) / took;
        return rate(claim.source) / std::max(1, source(claim.source).busy);
    }

    // Slow because all mirrors come over one line that is full: from another the same bytes would come no sooner.
    bool is_held_by_the_line(const Want& want, const Claim& claim) const {
        if (is_stalled(want, claim)) return false;
        if (line_.is_full()) return true;
        if (claim.received == 0) return line_.is_slow();
        const bool waits = line_.is_shared() || line_.room() == 0;
        if (line_.is_slow() && waits && slow_unfair * speed(claim) > line_.share()) return true;
        return line_.is_shared() && unfair * speed(claim) > line_.share();
    }

    bool is_stalled(const Want& want, const Claim& claim) const {
        return age(claim.last_byte) > std::max(silence_s(want, claim), source(claim.source).patience_s);
    }

    // Of a claim that is in order. Who has lost its turn on a slow line gets it back as a rule before another could
    // have given the same small file from its first byte on.
    double silence_s(const Want& want, const Claim& claim) const {
        if (source(claim.source).role == Role::wan_peer) return stalled_peer_s;
        if (line_.is_full() || ((line_.is_shared() || line_.is_slow()) && line_.is_busy())) return waits_in_line_s;
        return claim.received > 0 && want.is_small()
                   ? std::clamp(line_.seconds_for(want.size), stalled_s, waits_in_line_s)
                   : stalled_s;
    }

    // Its bytes are here by now. It stays open all the same while its source is silent: that nothing comes is what
    // tells of such a source.
    static bool is_served(const Want& want, const Claim& claim) {
        return claim.purpose != Purpose::check && want.done.covers({claim.next(), claim.range.end});
    }

    double eta_left_s(const Want& want, const Claim& claim) const {
        if (is_stalled(want, claim)) return std::numeric_limits<double>::max();
        return static_cast<double>(claim.left()) / std::max(1.0, speed(claim));
    }

    // A peer answers its gets in order and at the pace of its line: what waits behind others is not late yet, silence
    // is. But who is slow enough would never be late by its own measure: after slow_s it is held against what another
    // would take. What would end before another could give it all twice, or long before everything else does, is never
    // late.
    bool is_late(const Want& want, const Claim& claim, double others_s) const {
        if (mute_.count(claim.source) != 0) return true;
        if (is_held_by_the_line(want, claim)) return false;
        if (claim.received > 0 && eta_left_s(want, claim) <= std::max(2 * others_s, drain_s(want) / 2)) return false;
        const auto& by = source(claim.source);
        const double at_its_pace = 3 * static_cast<double>(want.size) * std::max(1, by.busy) / rate(claim.source);
        return age(claim.started) >= by.patience_s + std::min(at_its_pace, std::clamp(3 * others_s, slow_s, 2 * slow_s));
    }

    // A package manager that is handed one file after the other is at work as well.
    bool anything_comes() const { return age(board_.last_sign(now_)) < lenders_silent_s / 2; }

    const Board& board_;
    const TimePoint now_;
    const LineState line_;
    struct Large {
        WantId id{};
        const Want* want = nullptr;
        ByteCount left = 0;   // that nobody has begun
    };
    std::vector<Large> large_;
    struct Small {
        WantId id{};
        const Want* want = nullptr;
    };
    std::vector<Small> small_;        // in order of arrival
    std::map<WantId, RangeSet> taken_;
    std::size_t crowd_ = 0;           // the most agents that want the same large artifact, less this one
    std::map<SourceId, int> busy_;
    std::map<SourceId, ByteCount> in_hand_;  // bytes that a source has still to give
    double all_in_hand_ = 0;
    int flights_ = 0;                 // claims in all,
    int awaited_flights_ = 0;         // and those for what somebody waits for
    std::map<SourceId, int> ranged_;  // claims on parts of large artifacts
    std::map<SourceId, ByteCount> unverified_;  // bytes of large artifacts: given or under way
    std::set<SourceId> mute_;
    std::map<WantId, RangeSet> new_claims_;
    std::optional<WantId> front_;
    std::map<SourceId, ByteCount> ahead_;  // unverified bytes of large files behind the front: given or under way
    double bytes_left_ = 0;
    double awaited_left_ = 0;
    double mirror_rate_ = 0;
    double swarm_rate_ = 0;
    std::map<SourceId, double> lan_rates_;  // of a neighbour: all torrents that it may have a part in
};

}  // namespace packswarm::core
