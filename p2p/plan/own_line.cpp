#include "p2p/plan/own_line.hpp"

#include <algorithm>
#include <cmath>

#include "p2p/plan/tuning.hpp"

namespace packswarm::plan {

void Peak::note(double rate, TimePoint now) {
    latest_ = seconds_between(noted_, now) < tuning::recent_s ? latest_ + tuning::newest * (rate - latest_) : rate;
    noted_ = now;
    if (latest_ < value(now)) return;
    rate_ = latest_;
    at_ = now;
}

double Peak::latest(TimePoint now) const { return seconds_between(noted_, now) < tuning::recent_s ? latest_ : 0; }

double Peak::value(TimePoint now) const { return seconds_between(at_, now) < tuning::remembered_s ? rate_ : 0; }

void AnswerDelay::note(double first_byte_s, TimePoint now) {
    quickest_ = std::min(quickest_.value_or(first_byte_s), first_byte_s);
    std::move_backward(latest_.begin(), latest_.end() - 1, latest_.end());
    latest_[0] = first_byte_s;
    at_ = now;
}

bool AnswerDelay::is_long(TimePoint now) const {
    if (!quickest_ || seconds_between(at_, now) >= tuning::delay_remembered_s) return false;
    return *std::min_element(latest_.begin(), latest_.end()) >= *quickest_ + std::max(tuning::long_delay_s, *quickest_);
}

bool OwnLine::is_fresh(const Sample& sample, TimePoint now) {
    return sample.rate > 0 && seconds_between(sample.at, now) < tuning::remembered_s;
}

void OwnLine::note(double in_flight, double rate, TimePoint now) {
    const auto number = static_cast<std::size_t>(std::lround(std::clamp(in_flight, 0.0, static_cast<double>(most))));
    if (number == 0 || rate <= 0) return;
    auto& sample = by_number_[number];
    sample.rate = is_fresh(sample, now) ? sample.rate + tuning::newest * (rate - sample.rate) : rate;
    sample.at = now;
    peak_.note(rate, now);
}

bool OwnLine::is_measured(TimePoint now) const { return most_measured(now) > 0; }

int OwnLine::most_measured(TimePoint now) const {
    for (std::size_t number = most; number > 0; --number)
        if (is_fresh(by_number_[number], now)) return static_cast<int>(number);
    return 0;
}

// Least squares over the logarithms: noise of one sample weighs little, and a few in flight tell as much as many.
std::optional<double> OwnLine::growth(TimePoint now) const {
    double count = 0, x_sum = 0, y_sum = 0, xx_sum = 0, xy_sum = 0, fewest = most + 1.0, largest = 0;
    for (std::size_t number = 1; number <= most; ++number) {
        if (!is_fresh(by_number_[number], now)) continue;
        const double x = std::log(static_cast<double>(number)), y = std::log(by_number_[number].rate);
        count += 1, x_sum += x, y_sum += y, xx_sum += x * x, xy_sum += x * y;
        fewest = std::min(fewest, static_cast<double>(number));
        largest = static_cast<double>(number);
    }
    if (largest < tuning::least_spread * fewest) return std::nullopt;
    return (count * xy_sum - x_sum * y_sum) / (count * xx_sum - x_sum * x_sum);
}

}  // namespace packswarm::plan
