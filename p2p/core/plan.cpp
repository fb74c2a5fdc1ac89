#include "p2p/core/plan.hpp"

#include <algorithm>
#include <iterator>
#include <limits>

#include "p2p/core/canonical.hpp"
#include "p2p/core/crowd.hpp"
#include "p2p/core/outlook.hpp"

namespace packswarm::core {

namespace {

constexpr ByteCount probe_chunk = 256 * limits::kib;  // beside a neighbour: just enough to measure
constexpr ByteCount probe_worth = 16 * limits::mib;  // to come from the neighbour: with less, the file would wait for the probe
constexpr ByteCount least_chunk = 128 * limits::kib;
constexpr double chunk_seconds = 4;            // a claim should not outlive what we know of its source
constexpr int claims_per_file = 2;             // of one mirror: the second hides the first one's round trips
constexpr int max_rivals = 3;                  // sources at once on the same late bytes
constexpr double check_late_s = 2;             // from then on a third mirror is asked for the head as well
constexpr std::size_t large_crowd = 3;         // from here on the others keep the mirrors busy between two claims of ours
constexpr int claims_per_lender = 2;           // of one peer: the second hides the first one's round trip
constexpr int few_at_once = 2;                 // small ones of a crowd at one mirror, when another would take
constexpr double slowly_s = 0.5;               // longer than this beside them
constexpr ByteCount scattered = 8 * limits::mib;  // files from this size on are begun anywhere when a crowd may show
constexpr double lenders_busy_s = 60;          // and as long as something else comes: for a package manager one failure may be the end
constexpr double idle_end_s = 60;              // no rule leaves a file alone for so long on a board without claims: a wait has an end

class Planner : private Outlook {
  public:
    using Outlook::Outlook;

    Decisions run() {
        for_each_want([this](WantId id, const Want& want) { leave_to_the_lan(id, want); });
        place_all_small(Turn::awaited);
        for_each_want([this](WantId id, const Want& want) { place_checks_and_joins(id, want); });
        for (const auto& [id, want, left] : large_) place_trials(id, *want);
        fill_from_lenders(Turn::awaited);
        fill_with_ranges(Turn::awaited);
        place_all_small(Turn::ahead);
        fill_from_lenders(Turn::ahead);
        fill_with_ranges(Turn::ahead);
        leave_what_is_here();
        part_rivals();
        steal();
        for_each_want([this](WantId id, const Want& want) { consider_giving_up(id, want); });
        return std::move(out_);
    }

  private:
    // In order of arrival, but for those that are complete.
    template <class Each>
    void for_each_want(Each each) {
        for (const auto& [id, want] : board_.wants)
            if (!want.resting) each(id, want);
    }

    // What somebody waits for comes first; what is only known to be wanted soon takes the places that are left.
    enum class Turn { awaited, ahead };
    bool has_turn(const Want& want, Turn turn) const { return comes_after(want) == (turn == Turn::ahead); }

    void place_all_small(Turn turn) {
        std::vector<Small> others;
        for (const auto& one : small_) {
            if (!has_turn(*one.want, turn) || !may_begin(one)) continue;
            if (is_ours(board_, *one.want, 0))
                place_small(one.id, *one.want);
            else
                others.push_back(one);
        }
        for (const auto& one : others) place_small(one.id, *one.want);
        for (const auto& one : small_)
            if (has_turn(*one.want, turn)) hedge_small(one.id, *one.want);
    }

    bool may_begin(const Small& one) const {
        const bool stopped = std::any_of(out_.stops.begin(), out_.stops.end(), [&](const Stop& stop) { return stop.want == one.id; });
        return (one.want->claims.empty() || stopped) && (has_free(one.want->mirrors) || has_free(one.want->peers));
    }

    void start(WantId want, SourceId by, ByteRange range, Purpose purpose, const char* reason) {
        out_.starts.push_back({want, by, range, purpose, reason});
        ++busy_[by];
        in_hand_[by] += range.length();
        all_in_hand_ += static_cast<double>(range.length());
        ++flights_;
        if (!board_.wants.at(want).ahead) ++awaited_flights_;
        const auto large = taken_.find(want);
        if (purpose != Purpose::check) new_claims_[want].add(range);
        if (large == taken_.end()) return;
        if (purpose != Purpose::check) large->second.add(range);
        if (purpose == Purpose::work) ++ranged_[by], unverified_[by] += range.length();
        if (front_ && want != *front_) ahead_[by] += range.length();
    }

    int claims_of(WantId id, const Want& want, SourceId by) const {
        const auto running = std::count_if(want.claims.begin(), want.claims.end(),
                                           [&](const auto& item) { return item.second.source == by && item.second.purpose == Purpose::work; });
        const auto fresh = std::count_if(out_.starts.begin(), out_.starts.end(), [&](const Start& start) {
            return start.want == id && start.source == by && start.purpose == Purpose::work;
        });
        return static_cast<int>(running + fresh);
    }

    // ---- A neighbour has it: the mirrors may rest --------------------------------------------------------------------

    // A mirror that nobody has measured may show what it can do with one chunk, even beside a neighbour: if it is as fast, both are
    // used. The neighbour has other bytes to fetch meanwhile.
    bool is_probe(WantId id, const Want& want, const Claim& claim) const {
        const auto& by = source(claim.source);
        if (by.role != Role::mirror || by.rate_known || by.busy > claims_per_file || claim.range.length() >= 2 * first_chunk) return false;
        return taken(id).total() < want.size;
    }

    void leave_to_the_lan(WantId id, const Want& want) {
        if (!lan_serves(want)) return;
        for (const auto& [claim_id, claim] : want.claims) {
            if (!want.is_small() && is_probe(id, want, claim)) continue;
            const bool nearly_there = claim.received > 0 && eta_left_s(want, claim) < 0.05;
            if ((source(claim.source).role == Role::mirror || !want.is_small()) && claim.purpose == Purpose::work && !nearly_there)
                out_.stops.push_back({id, claim_id, "a neighbour on the local network has it"});
        }
    }

    // ---- Small artifacts: whole, from one source ----------------------------------------------------------------------

    void place_small(WantId id, const Want& want) {
        const auto neighbours = lan_peers(want);
        if (!neighbours.empty()) return place_at_best(id, want, neighbours, "a neighbour on the local network has it");
        if (waits_for_neighbour(board_, want, now_)) return;
        const auto mirrors = candidates(want, want.mirrors);
        const auto peers = candidates(want, want.peers);
        if (waits_its_turn(board_, want, peers.size(), now_, eta_of_best(mirrors, want.size))) return;
        if (is_crowded(want) && spares_mirrors(want, peers, mirrors)) return place_at_best(id, want, peers, "a peer of the crowd has it");
        if (waits_for_crowd(board_, want, now_, eta_of_best(mirrors, want.size))) return;
        auto sources = mirrors;
        sources.insert(sources.end(), peers.begin(), peers.end());
        place_at_best(id, want, sources, "fastest expected answer");
    }

    // A slow source is given small work only when it would still end before everything else does; else a fast one is waited for.
    void place_at_best(WantId id, const Want& want, const std::vector<SourceId>& sources, const char* reason) {
        double best_possible = std::numeric_limits<double>::max();
        double best_now = best_possible;
        SourceId best{};
        for (const auto by : sources) {
            best_possible = std::min(best_possible, source(by).first_byte_s + static_cast<double>(want.size) / rate(by));
            if (!is_free_for(want, by) || eta_s(by, want.size) >= best_now || has_its_few(want, by)) continue;
            best_now = eta_s(by, want.size);
            best = by;
        }
        if (best_now == std::numeric_limits<double>::max()) return;
        if (best_now <= std::max(2 * best_possible + 0.05, 0.8 * drain_s())) start(id, best, {0, want.size}, Purpose::work, reason);
    }

    // ---- A crowd --------------------------------------------------------------------------------------------------------

    // Of five small ones that come slowly and side by side none can be lent for long: one after the other they are whole sooner. Where
    // many want them, of peers too: what is not asked for yet goes to whoever has it by then.
    bool has_its_few(const Want& want, SourceId by) const {
        const bool many = is_sought_by_many(want);
        if (!is_crowded(want) || !(source(by).role == Role::mirror || (many && source(by).role == Role::wan_peer))) return false;
        return busy_.at(by) >= (many ? 1 : few_at_once) && eta_s(by, want.size) > source(by).first_byte_s + slowly_s;
    }

    // Small artifacts must not wait at the mirrors behind parts of large ones, ours and everybody's: those can be borrowed.
    bool has_its_share(SourceId by) {
        if (crowd_ == 0) return false;
        if (std::any_of(large_.begin(), large_.end(), [](const Large& one) { return is_sought_by_many(*one.want); })) return busy_.at(by) >= 1;
        const bool small_in_hand = busy_.at(by) > ranged_[by];
        return ranged_[by] >= (crowd_ >= large_crowd || small_in_hand ? 1 : 2);
    }

    // What a crowd may share is begun in stripes; beside a torrent the far end stays the mirrors' place until somebody lends.
    bool goes_by_stripes(const Want& want) const {
        return is_crowded(want) || (want.crowd.company && want.size >= scattered && !want.swarm.joined);
    }

    void fill_from_lenders(Turn turn) {
        for (int depth = 0; depth < claims_per_lender; ++depth)
            for (const auto& [id, want, left] : large_)
                for (const auto& [peer, pieces] : want->crowd.lenders.all()) {
                    if (lan_serves(*want) || !has_turn(*want, turn) || !may_ask(*want, peer) || !is_willing(peer) || !is_free_for(*want, peer) || ranged_[peer] > depth) continue;
                    const auto most = judge(*want, peer) ? lender_trust(source(peer), *want) - unverified_[peer] : want->size;
                    if (most <= 0) continue;
                    if (const auto range = lender_share(board_, *want, peer, taken(id), most))
                        start(id, peer, *range, Purpose::work, "a peer lends it");
                }
    }

    void place_trials(WantId id, const Want& want) {
        for (const auto& [lender, range] : want.crowd.trials) {
            const bool running = std::any_of(want.claims.begin(), want.claims.end(), [&range = range](const auto& item) {
                return item.second.purpose == Purpose::check && item.second.range == range;
            });
            const auto by = judge(want, lender);
            if (!running && by && busy_.at(*by) <= source(*by).slots) start(id, *by, range, Purpose::check, "a piece of another source, to compare");
        }
    }

    // ---- Large artifacts: ranges ----------------------------------------------------------------------------------------

    bool stakes_one() const {
        return std::any_of(large_.begin(), large_.end(), [this](const Large& one) {
            return !is_believed(*one.want) && (one.want->swarm.joined || std::count(out_.joins.begin(), out_.joins.end(), one.id) != 0);
        });
    }

    void place_checks_and_joins(WantId id, const Want& want) {
        if (!want.is_small() && !want.swarm.joined && !candidates(want, want.peers).empty() && (is_believed(want) || (!stakes_one() && has_whole_piece(want)))) out_.joins.push_back(id);
        if (want.is_small() && (!want.streamed || age(want.created) <= unseen_s)) return;
        if (want.head_agreed || comes_after(want) || lan_serves(want)) return;
        const bool checking = std::any_of(want.claims.begin(), want.claims.end(), [this](const auto& item) { return item.second.compares_head() && age(item.second.started) < check_late_s; });
        const auto mirrors = candidates(want, want.mirrors);
        if (checking || mirrors.size() < 2) return;
        // The head from a second mirror, once the first has begun to give it: it tells a liar early and lets bytes be streamed.
        const ByteRange head{0, head_length(want.size)};
        std::set<SourceId> giving;
        bool begun = !want.heads.empty() || want.is_small() || want.done.covers(head);
        for (const auto& [claim_id, claim] : want.claims) {
            if (claim.compares_head()) giving.insert(claim.source);
            if (claim.range.begin != 0 || claim.purpose == Purpose::check) continue;
            giving.insert(claim.source);
            begun = begun || claim.received > 0;
        }
        // A mirror without ranges has begun to send the rest as well when it is cut off: last.
        const auto cost = [this](SourceId by) { return std::pair(!source(by).ranges, eta_s(by, head_bytes)); };
        std::optional<SourceId> soonest;
        for (const auto by : mirrors) {
            if (!begun || giving.count(by) != 0 || want.heads.count(by) != 0 || busy_.at(by) > source(by).slots) continue;
            if (!soonest || cost(by) < cost(*soonest)) soonest = by;
        }
        if (soonest) start(id, *soonest, head, Purpose::check, "the head from a second mirror, to compare");
    }

    struct Chance {
        WantId want{};
        ByteRange range;
    };

    // Guided self-scheduling: each mirror takes a part of what is left in proportion to its rate, so that the parts shrink
    // towards the end and all mirrors end together.
    void fill_with_ranges(Turn turn) {
        std::vector<SourceId> mirrors;
        for (const auto& [id, source] : board_.sources)
            if (source.role == Role::mirror) mirrors.push_back(id);
        std::stable_sort(mirrors.begin(), mirrors.end(), [this](SourceId a, SourceId b) { return rate(a) > rate(b); });
        for (const auto& [id, want, left] : large_)
            for (const auto by : mirrors)
                if (turn == Turn::awaited && has_turn(*want, turn)) begin(by, id, *want);
        for (bool progress = true; progress;) {
            progress = false;
            for (const auto by : mirrors) {
                if (!is_free(by) || has_its_share(by)) continue;
                const auto chance = next_range(by, turn);
                if (!chance) continue;
                start(chance->want, by, chance->range, Purpose::work, "its share of what is left");
                progress = true;
            }
        }
    }

    // Each is begun at least, so that its asker sees it move. In a crowd its head will do: what is small must not wait behind parts. And
    // a head that mirrors agree on keeps a package manager waiting when they stop for good, also one that has not asked for it yet.
    void begin(SourceId by, WantId id, const Want& want) {
        const bool head_only = has_its_share(by) || has_enough(want, by);
        const bool head_is_missing = is_crowded(want) && !want.head_agreed && !taken(id).covers({0, head_length(want.size)});
        const bool has_begun = !want.claims.empty() || new_claims_.count(id) != 0 || (head_only && !want.done.empty());
        if (!is_free(by) || (has_begun && !head_is_missing)) return;
        auto range = range_for(by, id, want);
        if (!range) return;
        if (head_only || head_is_missing) range->end = std::min(range->end, range->begin + head_length(want.size));
        start(id, by, *range, Purpose::work, "its share of what is left");
    }

    std::optional<Chance> next_range(SourceId by, Turn turn) const {
        for (const auto& [id, want, left] : large_) {
            if (!has_turn(*want, turn) || !is_free_for(*want, by)) continue;
            if (const auto range = range_for(by, id, *want)) return Chance{id, *range};
        }
        return std::nullopt;
    }

    std::optional<ByteRange> range_for(SourceId by, WantId id, const Want& want) const {
        if (!lan_peers(want).empty() && std::count(out_.joins.begin(), out_.joins.end(), id) != 0) return std::nullopt;  // it serves in a moment
        if (lan_serves(want) && (source(by).rate_known || busy_.at(by) > 0 || want.size - taken(id).total() < probe_worth)) return std::nullopt;
        const auto mirrors = candidates(want, want.mirrors);
        if (std::find(mirrors.begin(), mirrors.end(), by) == mirrors.end() || waits_for_neighbour(board_, want, now_)) return std::nullopt;
        const auto gaps = taken(id).gaps({0, want.size});
        if (gaps.empty() || claims_of(id, want, by) >= claims_per_file || (source(by).ranges && credit(id, by) <= 0)) return std::nullopt;
        const auto range = source(by).ranges ? carve(id, want, by, gaps, mirrors) : whole_file(id, want, by);
        return range.empty() ? std::nullopt : std::optional(range);
    }

    // Mirrors take the near end, so that a prefix grows; beside a torrent they take the far end, since it goes from the front.
    ByteRange carve(WantId id, const Want& want, SourceId by, const std::vector<ByteRange>& gaps, const std::vector<SourceId>& mirrors) const {
        const auto gap = want.swarm.joined ? gaps.back() : gaps.front();
        const ByteCount piece = piece_length(want.size);
        const bool rests = lan_serves(want);
        const ByteCount most =
            std::min({rests ? probe_chunk : chunk_length(by), credit(id, by), part_beside_torrent(id, want, by)});
        if (most <= 0) return {};
        ByteCount length = (most + piece - 1) / piece * piece;
        if (!rests && gap.length() < length + length / 2) length = gap.length();
        // A slow mirror leaves the end to a faster one, or to a torrent that moves, as long as somebody is at work on the file at all.
        const bool is_slower = std::any_of(mirrors.begin(), mirrors.end(), [&](SourceId other) { return eta_s(other, length) < eta_s(by, length); });
        const bool others = (is_slower && !want.claims.empty()) || is_moving(want.swarm);
        if (others && eta_s(by, length) > drain_s() + 0.1 && source(by).rate_known) return {};
        if (goes_by_stripes(want)) return mirror_share(board_, want, taken(id), most, now_, share_s()).value_or(ByteRange{});
        if (!want.swarm.joined) return {gap.begin, std::min(gap.end, gap.begin + length)};
        const ByteCount begin = std::max(gap.begin, gap.end - length) / piece * piece;
        return {std::max(gap.begin, begin), gap.end};
    }

    // Beside a torrent that moves a mirror has its part of this one file, and nothing that the peers give sooner: much
    // of what is left is asked of them already and would come twice.
    ByteCount part_beside_torrent(WantId id, const Want& want, SourceId by) const {
        if (!is_moving(want.swarm)) return want.size;
        if (want.swarm.rate == 0) return first_chunk;
        const auto left = static_cast<double>(want.size - taken(id).total());
        const auto part = std::max(least_chunk, static_cast<ByteCount>(left * rate(by) / (rate(by) + want.swarm.rate)));
        return eta_s(by, part) > left / want.swarm.rate ? 0 : part;
    }

    // A mirror without ranges sends the file from its first byte on, what is here already too. So it is asked when
    // nobody gives parts, when nothing has been begun, or when it alone would be there well before those who are at
    // work.
    ByteRange whole_file(WantId id, const Want& want, SourceId by) const {
        const auto gaps = want.done.gaps({0, want.size});
        const bool is_at_it = std::any_of(want.claims.begin(), want.claims.end(), [by](const auto& item) { return item.second.source == by; });
        if (gaps.empty() || is_at_it || claims_of(id, want, by) > 0) return {};
        const ByteRange all{0, gaps.back().end};
        const double parts = parts_rate(want, by);
        if (parts > 0 && taken(id).empty()) return credit(id, by) >= all.end ? all : ByteRange{};
        if (new_claims_.count(id) != 0) return {};
        double others_s = parts > 0 ? static_cast<double>(want.size - want.done.total()) / parts : std::numeric_limits<double>::max();
        for (const auto& [claim_id, claim] : want.claims)  // who drips keeps the file, whatever its rate was once
            if (claim.purpose != Purpose::check && source(claim.source).ranges)
                others_s = std::max(others_s, eta_left_s(want, claim));
        for (const auto& [claim_id, claim] : want.claims)
            if (claim.purpose != Purpose::check && !source(claim.source).ranges)
                others_s = std::min(others_s, eta_left_s(want, claim));
        return 2 * eta_s(by, all.end) + slowly_s < others_s ? all : ByteRange{};
    }

    ByteCount chunk_length(SourceId by) const {
        if (!source(by).rate_known) return first_chunk;
        const double share = rate(by) / std::max(1.0, mirror_rate_ + swarm_rate_);
        const double guided = bytes_left_ * share / (2 * claims_per_file);
        const double timed = rate(by) / claims_per_file * chunk_seconds;
        return std::max(least_chunk, static_cast<ByteCount>(std::min(guided, timed)));
    }

    // ---- Late ones -------------------------------------------------------------------------------------------------------

    void hedge_small(WantId id, const Want& want) {
        if (want.claims.empty() || want.claims.size() >= max_rivals || new_claims_.count(id) != 0) return;
        // Beside peers that are late a mirror is asked, or three liars could hold a file for as long as they like.
        auto sources = candidates(want, want.mirrors);
        const bool mirror_asked = std::any_of(want.claims.begin(), want.claims.end(), [this](const auto& item) { return source(item.second.source).role == Role::mirror; });
        if (mirror_asked || sources.empty())
            for (const auto peer : candidates(want, want.peers)) sources.push_back(peer);
        std::erase_if(sources, [&](SourceId by) {
            return std::any_of(want.claims.begin(), want.claims.end(), [&](const auto& item) { return item.second.source == by; });
        });
        const double best_eta = eta_of_best(sources, want.size);
        if (best_eta == std::numeric_limits<double>::max()) return;
        for (const auto& [claim_id, claim] : want.claims)
            if (!is_late(want, claim, best_eta)) return;
        for (const auto by : sources)
            if (is_free_for(want, by) && eta_s(by, want.size) == best_eta) return start(id, by, {0, want.size}, Purpose::hedge, "the first source is late");
    }

    struct Victim {
        WantId want{};
        ClaimId claim{};
        const Claim* at = nullptr;
        double eta_s = 0;
    };

    // What the peers gave meanwhile would still come from a mirror that has begun to send it: a new connection costs
    // less than the rest.
    void leave_what_is_here() {
        for (const auto& [id, want, left] : large_)
            for (const auto& [claim_id, claim] : want->claims)
                if (claim.received > 0 && !is_stalled(*want, claim) && is_served(*want, claim) &&
                    claim.left() >= least_chunk / 2)
                    out_.stops.push_back({id, claim_id, "its bytes are here"});
    }

    // Somebody who had gone silent speaks again beside the one who took over: whoever is further along goes on alone.
    void part_rivals() {
        for (const auto& [id, want, left] : large_) part_rivals(id, *want);
        if (line_.is_shared() || line_.is_slow())  // elsewhere small ones do not hold each other up
            for (const auto& [id, want] : small_) part_rivals(id, *want);
    }
    void part_rivals(WantId id, const Want& want) {
        for (const auto& [hedge_id, hedge] : want.claims) {
            if (hedge.purpose != Purpose::hedge || hedge.received == 0) continue;
            for (const auto& [other_id, other] : want.claims) {
                const bool revived = other_id != hedge_id && other.purpose == Purpose::work &&
                                     other.last_byte > hedge.first_byte && !is_stalled(want, other);
                const bool waits = source(other.source).role == Role::mirror && is_held_by_the_line(want, other);
                if (!revived || (want.is_small() && !waits)) continue;
                if (other.next() >= hedge.range.end || other.range.end <= hedge.next()) continue;
                out_.stops.push_back(
                    {id, other.next() > hedge.next() ? hedge_id : other_id, "another source is further along"});
            }
        }
    }

    // A mirror with nothing left to claim takes over the far part of the claim that would end last.
    void steal() {
        for (const auto& [by, thief] : board_.sources) {
            if (thief.role != Role::mirror || !is_willing(by) || !is_free(by) || has_its_share(by)) continue;
            if (const auto victim = latest_claim(by); victim.at != nullptr) rob(by, victim);
        }
    }

    Victim latest_claim(SourceId thief) const {
        Victim worst;
        for (const auto& [id, want] : board_.wants) {
            if (want.resting || want.is_small() || lan_serves(want) || !may_ask(want, thief)) continue;
            if (std::find(want.mirrors.begin(), want.mirrors.end(), thief) == want.mirrors.end()) continue;
            for (const auto& [claim_id, claim] : want.claims) {
                if (claim.source == thief || claim.purpose == Purpose::check || is_served(want, claim) || has_rival(id, want, claim_id, claim)) continue;
                const double eta = eta_left_s(want, claim);
                if (source(thief).ranges && credit(id, thief) <= 0 && eta < std::numeric_limits<double>::max()) continue;
                if (eta > worst.eta_s) worst = {id, claim_id, &claim, eta};
            }
        }
        return worst;
    }

    bool has_rival(WantId id, const Want& want, ClaimId self, const Claim& claim) const {
        const ByteRange left{claim.next(), claim.range.end};
        if (const auto fresh = new_claims_.find(id); fresh != new_claims_.end() && fresh->second.touches(left)) return true;
        return std::any_of(want.claims.begin(), want.claims.end(), [&](const auto& item) {
            const auto& other = item.second;
            return item.first != self && other.purpose != Purpose::check && other.next() < left.end && other.range.end > left.begin;
        });
    }

    void rob(SourceId thief, const Victim& victim) {
        const Claim& claim = *victim.at;
        if (!source(thief).ranges) {
            const bool is_silent = victim.eta_s == std::numeric_limits<double>::max();
            const auto all = whole_file(victim.want, board_.wants.at(victim.want), thief);
            return all.empty() ? void() : start(victim.want, thief, all, is_silent ? Purpose::hedge : Purpose::work, "another source is late with it");
        }
        const double left = static_cast<double>(claim.left());
        const double speed = std::min(rate(thief) / (busy_.at(thief) + 1), line_.room());
        if (is_held_by_the_line(board_.wants.at(victim.want), claim)) return;
        const double first_byte = source(thief).first_byte_s;
        if (victim.eta_s == std::numeric_limits<double>::max())
            return start(victim.want, thief, {claim.next(), claim.range.end}, Purpose::hedge, "the source has gone silent");
        if (busy_.at(thief) > 0 && victim.eta_s < drain_s()) return;  // what the line holds already would be for nothing
        if (speed <= 0 || victim.eta_s < 2 * (first_byte + left / 2 / speed) + 0.05) return;
        const double theirs = left / victim.eta_s;  // bytes per second
        const auto taken_over = static_cast<ByteCount>((victim.eta_s - first_byte) / (1 / speed + 1 / theirs));
        if (taken_over < 32 * limits::kib && victim.eta_s < slow_s) return;
        const ByteCount middle = claim.range.end - std::min(taken_over, claim.left());
        out_.shortens.push_back({victim.want, victim.claim, middle});
        start(victim.want, thief, {middle, claim.range.end}, Purpose::work, "a slower source would end last");
    }

    // ---- The end ---------------------------------------------------------------------------------------------------------

    // Nobody is at work on anything and it has stood still for long, although there is somebody to ask: no rule waits
    // like that.
    bool is_forgotten(const Want& want) const {
        const auto has_work = [](const auto& item) { return item.second.resting || !item.second.claims.empty(); };
        return age(std::max({want.created, want.grown, want.left})) > idle_end_s && out_.starts.empty() &&
               std::none_of(board_.wants.begin(), board_.wants.end(), has_work);
    }

    void consider_giving_up(WantId id, const Want& want) {
        if (!want.claims.empty() || new_claims_.count(id) != 0) return;
        if (want.swarm.joined && age(std::max(want.swarm.since, want.swarm.last_piece)) < 10) return;
        const bool peers_left = (want.is_small() || !want.swarm.joined) && has_candidate(want, want.peers);
        if (has_candidate(want, want.mirrors) || peers_left) {
            if (is_forgotten(want)) out_.give_ups.push_back(id);
            return;
        }
        if (is_crowded(want) && age(std::max(want.created, want.grown)) < (anything_comes() ? lenders_busy_s : lenders_silent_s)) return;
        if (age(std::max(want.created, want.asked)) * 1000 < static_cast<double>(want.grace.value_or(board_.peer_grace).count())) return;
        out_.give_ups.push_back(id);
    }

    Decisions out_;
};

}  // namespace

Decisions plan(const Board& board, TimePoint now) { return Planner(board, now).run(); }

}  // namespace packswarm::core
