#include "p2p/plan/line_state.hpp"

#include <algorithm>

#include "p2p/plan/tuning.hpp"

namespace packswarm::plan {

LineState::LineState(const Board& board, TimePoint now) : board_(board), now_(now), growth_(board.line.growth(now)) {
    count_claims();
    find_shared();
    find_full();
    find_room();
    is_busy_ = age(board_.last_sign(now_)) < 1;
}

double LineState::share() const { return board_.line.peak(now_) / std::max(1, flights_); }

double LineState::seconds_for(ByteCount bytes) const {
    const double peak = board_.line.peak(now_);
    return peak > 0 && tells() ? static_cast<double>(bytes) / peak : 0;
}

bool LineState::grows() const { return growth_ && *growth_ >= tuning::brings_more; }

bool LineState::takes_one_more(int flights) const {
    if (growth_ && !grows()) return false;
    return !unanswered_ && flights <= tuning::one_more * board_.line.most_measured(now_);
}

void LineState::count_claims() {
    for (const auto& [id, want] : board_.wants) {
        if (want.resting) continue;
        for (const auto& [claim_id, claim] : want.claims) {
            ++flights_;
            in_hand_ += static_cast<double>(claim.left());
            unanswered_ = unanswered_ || (claim.received == 0 && age(claim.started) > tuning::unanswered_s);
        }
    }
    for (const auto& [id, source] : board_.sources) {
        if (source.role != Role::mirror) continue;
        if (source.rate_known) fastest_ = std::max(fastest_, source.rate);
        if (!source.rate_known && source.busy == 0 && source.usable)
            fastest_ = std::max(fastest_, tuning::guessed_rate);
    }
}

// What a mirror is asked for waits in a queue.
bool LineState::is_queued() const {
    return is_measured() && std::any_of(board_.sources.begin(), board_.sources.end(), [this](const auto& item) {
               return item.second.role == Role::mirror && item.second.delay.is_long(now_);
           });
}

// Each mirror has been as fast as all together ever were, though not at the same time, and more at once brought no
// more; or answers come late: they come over one line.
void LineState::find_shared() {
    double peaks = 0;
    for (const auto& [id, source] : board_.sources)
        if (source.role == Role::mirror) peaks += source.peak.value(now_);
    is_shared_ = is_queued() || (growth_ && !grows() && peaks >= tuning::shared_from * board_.line.peak(now_));
}

// As much comes as ever came, and what is in hand lasts for a while: who is slow now holds nothing up, and what is
// taken from him would wait in the same queue. Not where more at once are known to bring more, nor where a mirror has
// been so much faster that those who are asked just now are slow, not the line.
void LineState::find_full() {
    const double peak = board_.line.peak(now_);
    if (!tells()) return;
    is_full_ = (is_shared_ || !grows()) && flights_ > 1 && board_.line.latest(now_) >= tuning::full_from * peak &&
               (is_shared_ || is_enough(in_hand_));
    is_slow_ = peak > 0 && peak < tuning::slow_share * flights_;
}

// What the line was seen to carry, less what those at work bring now. None where that is little of it, since both are
// guesses.
void LineState::find_room() {
    const double peak = board_.line.peak(now_);
    double comes = 0;
    for (const auto& [id, source] : board_.sources)
        if (source.busy > 0) comes += source.peak.latest(now_);
    if (!tells())
        room_ = fastest_;
    else if (comes < tuning::full_from * peak)
        room_ = peak - comes;
}

}  // namespace packswarm::plan
