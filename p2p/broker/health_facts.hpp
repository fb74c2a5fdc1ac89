// The facts by which a repository's health is told (core/repository_health.hpp), gathered from what the index book
// knows. Loop's thread.
#pragma once

#include "p2p/broker/index_book.hpp"
#include "p2p/core/repository_health.hpp"

namespace packswarm::broker {

core::HealthFacts health_facts(const IndexBook& book, const core::Repository& repository, WallTime now);
core::RepositoryHealth health_of(const IndexBook& book, const core::Repository& repository, WallTime now);

}  // namespace packswarm::broker
