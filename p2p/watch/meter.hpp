// Meter: what a number means, beside its name: unit, help, and whether it only grows. Plain data, any thread.
#pragma once

#include <string>

namespace packswarm::watch {

enum class Kind { counter, gauge };  // counter: only grows, but for a restart where the help says "since the start"

struct Meter {
    const char* unit;  // "bytes", "bytes/s", "s", "ms", or what is counted
    Kind kind;
    const char* help;
};

struct Reading {
    std::string name;  // as status has it, "requests.open"
    Meter meter;
    double value;
};

}  // namespace packswarm::watch
