// OwnLine: what all mirrors and far peers brought together, by how many transfers were in flight. When more at once do
// not bring more, what they share is the bottleneck, as a rule this machine's own line: whatever is asked for beyond
// that waits in one queue with the rest. A mirror that is slow to each of its connections shows the contrary. Plain
// data of the board; time comes in.
#pragma once

#include <array>
#include <optional>

#include "p2p/base/units.hpp"

namespace packswarm::plan {

// The most bytes per second that came, of what is remembered. Over some windows: what lay behind a lost packet comes
// all at once, and shows more than the line carries.
class Peak {
  public:
    void note(double rate, TimePoint now);
    double value(TimePoint now) const;
    double latest(TimePoint now) const;  // of the last windows; 0 when the last was some seconds ago

  private:
    double rate_ = 0, latest_ = 0;
    TimePoint at_{}, noted_{};
};

// How long a source's answers are kept waiting beyond the quickest that it ever gave: what is asked for waits in a
// queue, this line's as a rule, and more at once would only make it longer.
class AnswerDelay {
  public:
    void note(double first_byte_s, TimePoint now);
    bool is_long(TimePoint now) const;  // twice in a row, so that one lost packet tells nothing

  private:
    static constexpr std::size_t in_a_row = 2;
    std::optional<double> quickest_;
    std::array<double, in_a_row> latest_{};
    TimePoint at_{};
};

class OwnLine {
  public:
    // Of a second or more: how many were in flight on average, and bytes per second.
    void note(double in_flight, double rate, TimePoint now);
    // The same while those in flight still gather speed: it says nothing of what one more would bring.
    void note_beginning(double rate, TimePoint now) { peak_.note(rate, now); }

    bool is_measured(TimePoint now) const;
    // The power of their number with which the sum grows: 0 when it stays as it is, 1 when each brings its own.
    // Nothing: it was never seen with clearly more and clearly fewer.
    std::optional<double> growth(TimePoint now) const;
    int most_measured(TimePoint now) const;  // in flight
    double peak(TimePoint now) const { return peak_.value(now); }
    double latest(TimePoint now) const { return peak_.latest(now); }

  private:
    struct Sample {
        double rate = 0;
        TimePoint at{};
    };
    static constexpr std::size_t most = 32;
    static bool is_fresh(const Sample& sample, TimePoint now);

    std::array<Sample, most + 1> by_number_{};
    Peak peak_;
};

}  // namespace packswarm::plan
