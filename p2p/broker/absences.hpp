// Absences: addresses that answered a moment ago in a way that asking again will not change: not there, or not to be
// believed. Who has another way to the file is told so at once. Not here: servers that do not answer (source_book.hpp).
// Loop's thread.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "p2p/base/result.hpp"
#include "p2p/base/units.hpp"

namespace packswarm::broker {

class Absences {
  public:
    // Remembers a lasting answer, each time in a row for twice as long; Transient and Broken ones pass by themselves.
    void note(const std::string& url, const Error& error, TimePoint now);
    std::optional<Error> recall(const std::string& url, TimePoint now) const;
    void forget(const std::string& url) { entries_.erase(url); }  // it was there
    void clear() { entries_.clear(); }                            // the sources are others now, or were read anew

  private:
    struct Entry {
        Error error;
        TimePoint until{};
        Millis span{0};
    };
    void make_room(TimePoint now);
    std::unordered_map<std::string, Entry> entries_;
};

}  // namespace packswarm::broker
