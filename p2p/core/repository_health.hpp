// RepositoryHealth: whether what this machine has of a repository is as new as it should be, by the dates alone, and
// the sentence that says so. Pure. Not here: gathering the facts (broker/index_book.hpp), which index counts
// (freshness.hpp), showing it (daemon, cli).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "p2p/base/units.hpp"

namespace packswarm::core {

enum class Health {
    unread,       // no index was ever here
    live,         // a mirror said lately that this is the newest
    ageing,       // nobody has said so for longer than this repository usually takes to publish, or it expires soon
    stale,        // it has expired, or a newer one is known that cannot be had
    blackout,     // no mirror of it answers
    conflicting,  // its mirrors go back, or contradict what is verified here
};

constexpr std::string_view to_string(Health health) {
    switch (health) {
        case Health::unread:
            return "unread";
        case Health::live:
            return "live";
        case Health::ageing:
            return "ageing";
        case Health::stale:
            return "stale";
        case Health::blackout:
            return "blackout";
        case Health::conflicting:
            return "conflicting";
    }
    return "unread";
}

// All dates as they were signed or noted; absent: not known.
struct HealthFacts {
    WallTime now{};
    std::optional<WallTime> accepted;           // date of the newest index that was accepted here
    std::string given_by;                       // who gave that: a mirror's base, "a peer"; empty: as it was kept
    std::optional<WallTime> confirmed;          // when a mirror last answered for this repository's index
    std::optional<WallTime> shown;              // the newest date that a peer shows of it, verified or not
    std::optional<WallTime> valid_until;        // of the accepted one
    std::optional<Seconds> usual;               // between two publications, as learned
    std::optional<WallTime> unreachable_since;  // since then no mirror of it has answered
    std::string conflict;                       // what contradicts what; empty: nothing does
    std::string leave;                          // what the owner lets pass ("older"); empty: nothing
    WallTime leave_ends{};
};

struct RepositoryHealth {
    Health health = Health::unread;
    std::optional<WallTime> since;  // of a blackout, or when it expired
    std::string sentence;           // with ages in words, and who said so
    std::string remedy;             // empty: nothing is to be done
};

RepositoryHealth health_of(const HealthFacts& facts);

// The middle one of the spans between publications, at most the last eight; none from fewer than three dates.
std::optional<Seconds> usual_interval(std::vector<WallTime> dates);

// "3 minutes", "26 hours", "12 days"; never negative.
std::string age_in_words(Seconds age);

// What is said first of all of them: that all is well, or what is worst and since when. Empty for none.
struct NamedHealth {
    std::string name;
    RepositoryHealth health;
};
std::string sentence_for_all(const std::vector<NamedHealth>& all, WallTime now);

}  // namespace packswarm::core
