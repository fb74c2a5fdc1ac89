#include "p2p/broker/health_facts.hpp"

namespace packswarm::broker {

core::HealthFacts health_facts(const IndexBook& book, const core::Repository& repository, WallTime now) {
    const auto& state = book.state_of(repository.id);
    core::HealthFacts out;
    out.now = now;
    out.given_by = state.given_by;
    out.confirmed = book.sightings().last_confirmed(repository);
    out.shown = book.newest_shown(repository.id);
    out.unreachable_since = state.unreachable_since;
    out.conflict = state.conflict;
    const auto leave = book.leave_of(repository.id);
    if (leave.what.older) out.leave = "older";
    if (leave.what.expired) out.leave += out.leave.empty() ? "expired" : " or expired";
    out.leave_ends = leave.until;
    std::vector<WallTime> dates;
    for (const auto& one : book.sightings().provenance(repository).contents) dates.push_back(one.date);
    out.usual = core::usual_interval(std::move(dates));
    if (!state.root) return out;
    out.accepted = state.root->index.date;
    out.valid_until = state.root->index.valid_until;
    // An unsigned database bears no date that anybody vouches for: it is as old as the mirror's last word of it.
    if (!state.root->index.is_signed) out.accepted = std::min(*out.accepted, now);
    return out;
}

core::RepositoryHealth health_of(const IndexBook& book, const core::Repository& repository, WallTime now) {
    return core::health_of(health_facts(book, repository, now));
}

}  // namespace packswarm::broker
