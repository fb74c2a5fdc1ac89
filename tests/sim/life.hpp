// live: one Day lived through by real brokers under a virtual clock, with peers or with mirrors alone. What went wrong
// whatever the outcome (a bound exceeded, something shared against policy, wrong bytes) is noted on the way. Not here:
// judging times (crowd_sim.cpp).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/sim/day.hpp"

namespace packswarm::test {

struct Answer {
    int times = 0;
    bool delivered = false, cancelled = false;
    double at_s = 0;  // since the day began
    std::string error;
};

struct Lived {
    std::vector<Answer> answers;      // one for each wish
    std::vector<std::string> faults;  // what must not be, in words
    std::vector<std::string> trace;   // for people: what each agent decided
    ByteCount from_mirrors = 0, moved = 0, wasted = 0;
    double last_of(const Day& day, std::size_t agent) const;  // when its last wish was answered
};

enum class Company { mirrors_alone, peers };

// scratch: an empty folder, best in memory. It is empty again afterwards.
Lived live(const Day& day, Company company, const std::filesystem::path& scratch);

}  // namespace packswarm::test
