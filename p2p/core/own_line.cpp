#include "p2p/core/own_line.hpp"

#include <algorithm>
#include <cmath>

namespace packswarm::core {

namespace {
constexpr double remembered_s = 30;
constexpr double recent_s = 3;
constexpr double newest = 0.5;        // weight of the newest sample
constexpr double least_spread = 1.9;  // between the fewest and the most in flight, to tell a slope from noise
}  // namespace

void Peak::note(double rate, TimePoint now) {
    latest_ = seconds_between(noted_, now) < recent_s ? latest_ + newest * (rate - latest_) : rate;
    noted_ = now;
    if (latest_ < value(now)) return;
    rate_ = latest_;
    at_ = now;
}

double Peak::latest(TimePoint now) const { return seconds_between(noted_, now) < recent_s ? latest_ : 0; }

double Peak::value(TimePoint now) const { return seconds_between(at_, now) < remembered_s ? rate_ : 0; }

bool OwnLine::is_fresh(const Sample& sample, TimePoint now) {
    return sample.rate > 0 && seconds_between(sample.at, now) < remembered_s;
}

void OwnLine::note(double in_flight, double rate, TimePoint now) {
    const auto number = static_cast<std::size_t>(std::lround(std::clamp(in_flight, 0.0, static_cast<double>(most))));
    if (number == 0 || rate <= 0) return;
    auto& sample = by_number_[number];
    sample.rate = is_fresh(sample, now) ? sample.rate + newest * (rate - sample.rate) : rate;
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
    if (largest < least_spread * fewest) return std::nullopt;
    return (count * xy_sum - x_sum * y_sum) / (count * xx_sum - x_sum * x_sum);
}

}  // namespace packswarm::core
