// LeftOut: entries of an index that nobody may use, since they are malformed, contradict each other or pass a bound.
// They are counted and the first few named, so that one odd entry never hides the others. Plain data. Any thread.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "p2p/base/limits.hpp"

namespace packswarm::core {

struct LeftOut {
    std::size_t count = 0;
    std::vector<std::string> named;  // the first of them: which one and why, printable

    bool empty() const { return count == 0; }
    void add(std::string which_and_why) {
        ++count;
        if (named.size() < limits::max_named_left_out) named.push_back(std::move(which_and_why));
    }
    void add(const LeftOut& more) {
        count += more.count;
        for (const auto& one : more.named)
            if (named.size() < limits::max_named_left_out) named.push_back(one);
    }
    // "2 entries are left out: ...; ...": one line for a person.
    std::string text() const;
};

}  // namespace packswarm::core
