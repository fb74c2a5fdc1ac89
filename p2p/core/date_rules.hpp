// DateRules: what a machine's apt demands of the dates of a Release file (Date, Valid-Until), by apt.conf(5) and
// sources.list(5). As they stand here they are apt's own without any setting, and the rules for whatever is shared.
// Plain data; used by freshness.hpp.
#pragma once

#include <map>
#include <string>

#include "p2p/base/text.hpp"
#include "p2p/base/units.hpp"

namespace packswarm::core {

// A number of seconds, and other ones for archives of a label (Acquire::Max-ValidTime::LABEL).
struct LabelledTime {
    Seconds value{0};
    std::map<std::string, Seconds> by_label{};  // labels in lower case: apt.conf's keys are of any case
    Seconds of(const std::string& label) const {
        const auto found = by_label.find(lower(label));
        return found == by_label.end() ? value : found->second;
    }
    friend bool operator==(const LabelledTime&, const LabelledTime&) = default;
};

struct DateRules {
    bool check_dates = true;               // Check-Date; without it nothing below counts
    bool check_valid_until = true;         // Check-Valid-Until
    LabelledTime max_future{Seconds(10)};  // Max-FutureTime, date-max-future
    LabelledTime max_age;                  // Max-ValidTime, valid-until-max; 0: for ever
    LabelledTime min_age;                  // Min-ValidTime, valid-until-min
    friend bool operator==(const DateRules&, const DateRules&) = default;
};

}  // namespace packswarm::core
