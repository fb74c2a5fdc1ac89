#include "p2p/core/repository_health.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace packswarm::core {

namespace {

constexpr Seconds minute{60}, hour{3600}, day{86'400};
constexpr Seconds expires_soon = day;
constexpr Seconds patience_least = 2 * day, patience_most = 14 * day, patience_unlearned = 3 * day;
constexpr Seconds clock_tolerance = minute;
constexpr std::size_t most_spans = 8, least_dates = 3;

Seconds since(WallTime then, WallTime now) { return std::max(now - then, Seconds(0)); }

// How long an index may stand without a word of a mirror: two of the usual spans.
Seconds patience(const HealthFacts& facts) {
    return facts.usual ? std::clamp(2 * *facts.usual, patience_least, patience_most) : patience_unlearned;
}

std::string of_age(const HealthFacts& facts) {
    auto out = fmt::format("index {} old", age_in_words(since(*facts.accepted, facts.now)));
    if (!facts.given_by.empty()) out += ", from " + facts.given_by;
    return out;
}

std::string confirmed_in_words(const HealthFacts& facts) {
    if (!facts.confirmed) return "no mirror has confirmed it yet";
    return fmt::format("a mirror last confirmed it {} ago", age_in_words(since(*facts.confirmed, facts.now)));
}

RepositoryHealth blackout(const HealthFacts& facts) {
    RepositoryHealth out{Health::blackout, facts.unreachable_since, {}, {}};
    out.sentence =
        fmt::format("no mirror has answered for {}; {}, {}", age_in_words(since(*facts.unreachable_since, facts.now)),
                    of_age(facts), confirmed_in_words(facts));
    if (facts.valid_until && *facts.valid_until < facts.now) {
        out.sentence += fmt::format(", expired {} ago", age_in_words(since(*facts.valid_until, facts.now)));
        out.remedy = "packages come from peers; packswarm accept --expired REPOSITORY --for 24h lets the index count";
        return out;
    }
    out.remedy = "nothing: index and packages come from peers and from what is kept until a mirror answers";
    return out;
}

RepositoryHealth stale(const HealthFacts& facts) {
    if (facts.valid_until && *facts.valid_until < facts.now)
        return {Health::stale, facts.valid_until,
                fmt::format("{}, expired {} ago", of_age(facts), age_in_words(since(*facts.valid_until, facts.now))),
                "a mirror that is up to date, or packswarm accept --expired REPOSITORY --for 24h"};
    return {Health::stale, facts.shown,
            fmt::format("{}; peers show one of {} ago that is not here", of_age(facts),
                        age_in_words(since(*facts.shown, facts.now))),
            "packswarm refresh fetches it, and says why when it does not come"};
}

bool has_expired(const HealthFacts& facts) { return facts.valid_until && *facts.valid_until < facts.now; }

// What a peer shows counts once nothing else is newer by an hour: it is on its way for a moment, and not yet verified.
bool lacks_a_newer(const HealthFacts& facts) {
    return facts.shown && *facts.shown > *facts.accepted && facts.now - *facts.shown > hour &&
           *facts.shown <= facts.now + clock_tolerance;
}

RepositoryHealth ageing(const HealthFacts& facts, const std::string& why) {
    return {Health::ageing, std::nullopt, fmt::format("{}; {}", of_age(facts), why),
            "run the package manager's update, or packswarm refresh"};
}

// A contradiction is told before an outage, and an outage before mere age: the first names what may be an attack.
RepositoryHealth judged(const HealthFacts& facts) {
    if (!facts.accepted) {
        if (!facts.unreachable_since)
            return {Health::unread, std::nullopt, "no index seen yet",
                    "run the package manager's update, or packswarm refresh"};
        return {Health::blackout, facts.unreachable_since,
                fmt::format("no index seen yet, and no mirror has answered for {}",
                            age_in_words(since(*facts.unreachable_since, facts.now))),
                "an agent that has it (on the LAN, or in swarm.peers), or packswarm import --bundle"};
    }
    if (*facts.accepted > facts.now + clock_tolerance)
        return {
            Health::conflicting, std::nullopt,
            fmt::format("the clock is {} behind the newest verified index", age_in_words(*facts.accepted - facts.now)),
            "set the clock (timedatectl set-ntp true)"};
    if (!facts.conflict.empty())
        return {Health::conflicting, std::nullopt, fmt::format("{}; {}", of_age(facts), facts.conflict),
                "another mirror; what is verified here goes on to count"};
    if (facts.unreachable_since) return blackout(facts);
    if (has_expired(facts) || lacks_a_newer(facts)) return stale(facts);
    const bool is_silent = !facts.confirmed || facts.now - *facts.confirmed > patience(facts);
    if (is_silent) return ageing(facts, confirmed_in_words(facts));
    if (facts.valid_until && *facts.valid_until - facts.now < expires_soon)
        return ageing(facts, fmt::format("it expires in {}", age_in_words(*facts.valid_until - facts.now)));
    return {Health::live, std::nullopt, fmt::format("{}; {}", of_age(facts), confirmed_in_words(facts)), {}};
}

}  // namespace

std::string age_in_words(Seconds age) {
    const auto count = std::max(age, Seconds(0)).count();
    const auto of = [](auto number, const char* unit) {
        return fmt::format("{} {}{}", number, unit, number == 1 ? "" : "s");
    };
    if (count < 60) return of(count, "second");
    if (count < 120 * 60) return of(count / 60, "minute");
    if (count < 48 * 3600) return of(count / 3600, "hour");
    return of(count / 86'400, "day");
}

std::optional<Seconds> usual_interval(std::vector<WallTime> dates) {
    std::sort(dates.begin(), dates.end());
    dates.erase(std::unique(dates.begin(), dates.end()), dates.end());
    if (dates.size() < least_dates) return std::nullopt;
    std::vector<Seconds> spans;
    for (std::size_t i = dates.size() - 1; i > 0 && spans.size() < most_spans; --i)
        spans.push_back(dates[i] - dates[i - 1]);
    const auto middle = spans.begin() + static_cast<std::ptrdiff_t>(spans.size() / 2);
    std::nth_element(spans.begin(), middle, spans.end());
    return *middle;
}

RepositoryHealth health_of(const HealthFacts& facts) {
    auto out = judged(facts);
    if (!facts.leave.empty())
        out.sentence += fmt::format("; an {} index counts for {} more, as root said", facts.leave,
                                    age_in_words(facts.leave_ends - facts.now));
    return out;
}

std::string sentence_for_all(const std::vector<NamedHealth>& all, WallTime now) {
    if (all.empty()) return {};
    std::vector<const NamedHealth*> worst;
    for (const auto& one : all) {
        if (!worst.empty() && one.health.health < worst.front()->health.health) continue;
        if (!worst.empty() && one.health.health > worst.front()->health.health) worst.clear();
        worst.push_back(&one);
    }
    const auto state = worst.front()->health.health;
    const auto count =
        fmt::format("{} of {} {}", worst.size(), all.size(), all.size() == 1 ? "repository" : "repositories");
    switch (state) {
        case Health::live:
            return fmt::format("All well: {} up to date.", count);
        case Health::unread:
            return fmt::format("No index yet of {}.", count);
        case Health::blackout: {
            WallTime first = now;
            for (const auto* one : worst) first = std::min(first, one->health.since.value_or(now));
            return fmt::format("OUTAGE for {}: no mirror of {} answers.", age_in_words(now - first), count);
        }
        default:
            return fmt::format("{} {}: {}: {}.", count, to_string(state), worst.front()->name,
                               worst.front()->health.sentence);
    }
}

}  // namespace packswarm::core
