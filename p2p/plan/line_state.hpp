// LineState: this machine's line to the world at one moment, as far as the board tells: whether all mirrors share it,
// whether it is used up, and what one more transfer could still bring. Not here: what is begun or left (plan.cpp).
#pragma once

#include <optional>

#include "p2p/plan/board.hpp"
#include "p2p/plan/tuning.hpp"

namespace packswarm::plan {

class LineState {
  public:
    LineState(const Board& board, TimePoint now);

    bool is_measured() const { return board_.line.is_measured(now_); }
    bool is_shared() const { return is_shared_; }  // the mirrors come over one line, which is the bottleneck,
    bool is_full() const { return is_full_; }      // and is used up just now
    bool is_slow() const { return is_slow_; }      // so little for each transfer that silence may be its queue's
    bool is_busy() const { return is_busy_; }      // something comes
    double share() const;                          // bytes a second, of each transfer
    double seconds_for(ByteCount bytes) const;     // alone; 0 where that is not known
    double room() const { return room_; }          // bytes a second that one more could bring

    // So much that all have in hand together is enough for a line that they share.
    bool is_enough(double in_hand) const {
        return in_hand > 0 && in_hand >= tuning::line_enough_s * board_.line.peak(now_);
    }
    // With so many in flight one more brings more, or is the next that may find it out.
    bool takes_one_more(int flights) const;
    bool grows() const;  // more at once are known to bring more

  private:
    bool tells() const { return board_.line.peak(now_) >= tuning::line_from * fastest_; }  // what comes
    void count_claims();
    void find_shared();
    void find_full();
    void find_room();
    bool is_queued() const;
    double age(TimePoint then) const { return seconds_between(then, now_); }

    const Board& board_;
    const TimePoint now_;
    const std::optional<double> growth_;
    int flights_ = 0;
    double in_hand_ = 0;  // bytes that they have still to bring
    double fastest_ = 0;  // of the mirrors' rates; what is guessed of one that is idle and that nobody has measured
    bool unanswered_ = false, is_shared_ = false, is_full_ = false, is_slow_ = false, is_busy_ = false;
    double room_ = 0;
};

}  // namespace packswarm::plan
