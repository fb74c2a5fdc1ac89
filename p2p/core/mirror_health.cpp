#include "p2p/core/mirror_health.hpp"

#include <algorithm>
#include <cmath>

namespace packswarm::core {

namespace {
constexpr double smoothing = 0.25;  // weight of the newest sample
constexpr int absences_before_blame =
    3;  // a mirror in mid-sync lacks a file or two; one with another layout lacks them all

void set_back(MirrorHealth& health, WallTime now, int seconds) {
    const auto until = now + Seconds(seconds);
    health.back_at = health.back_at ? std::max(*health.back_at, until) : until;
}
}  // namespace

double first_byte_p95(const MirrorHealth& health) { return health.first_byte_s + 3 * health.first_byte_dev_s; }

void note_first_byte(MirrorHealth& health, double seconds) {
    if (health.samples++ == 0) {
        health.first_byte_s = seconds;
        health.first_byte_dev_s = std::max(seconds / 2, 0.02);
        return;
    }
    const double miss = seconds - health.first_byte_s;
    health.first_byte_dev_s += smoothing * (std::abs(miss) - health.first_byte_dev_s);
    health.first_byte_dev_s = std::max(health.first_byte_dev_s, 0.01);
    health.first_byte_s += smoothing * miss;
}

void note_rate(MirrorHealth& health, double bytes_per_second) {
    health.rate = health.rate == 0 ? bytes_per_second : health.rate + smoothing * (bytes_per_second - health.rate);
}

void note_success(MirrorHealth& health) {
    ++health.good;
    health.failures_in_row = 0;
    health.absent_in_row = 0;
    if (health.corrupt == 0)
        health.back_at.reset();  // after wrong bytes only time heals: something right that was under way is no excuse
}

void note_failure(MirrorHealth& health, ErrorKind kind, WallTime now) {
    switch (kind) {
        case ErrorKind::Absent:
            ++health.absent;
            if (++health.absent_in_row >= absences_before_blame) set_back(health, now, 60);
            return;
        case ErrorKind::Transient:
        case ErrorKind::Broken:
            ++health.errors;
            health.failures_in_row = std::min(health.failures_in_row + 1, 20);
            set_back(health, now, std::min(300, 1 << std::min(health.failures_in_row, 9)));
            return;
        case ErrorKind::Corrupt:
            ++health.corrupt;
            set_back(health, now, 600);
            return;
        case ErrorKind::Refused:
            ++health.errors;
            set_back(health, now, 60);
            return;
    }
}

bool answers(const MirrorHealth& health, WallTime now) {
    const bool lacks_only =
        health.absent_in_row >= absences_before_blame && health.failures_in_row == 0 && health.corrupt == 0;
    return lacks_only || is_usable(health, now);
}

bool is_usable(const MirrorHealth& health, WallTime now) { return !health.back_at || *health.back_at <= now; }

}  // namespace packswarm::core
