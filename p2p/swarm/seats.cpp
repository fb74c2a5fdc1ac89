#include "p2p/swarm/seats.hpp"

#include <array>

#include "p2p/base/ip_network.hpp"
#include "p2p/base/limits.hpp"

namespace packswarm::swarm {

namespace {

const LineageId all_torrents{};

FairPlaces::Holder holder_of(const Seats::Sitter& sitter) {
    if (sitter.is_near) return {sitter.address, sitter.address};  // neighbours are of one network
    return {network_of(sitter.address, 24, 48), network_of(sitter.address, 32, 64)};
}

std::size_t places_of(const LineageId& torrent, bool is_near) {
    if (torrent == all_torrents) return is_near ? limits::max_neighbours : limits::max_strangers;
    return is_near ? limits::max_torrent_neighbours : limits::max_torrent_strangers;
}

}  // namespace

Seats::Seat::Seat(Seats& seats, Sitter sitter, TimePoint now)
    : seats_(seats), sitter_(std::move(sitter)), holder_(holder_of(sitter_)), last_use_(now) {}

std::unique_ptr<Seats::Seat> Seats::take(Sitter sitter, TimePoint now) {
    auto seat = std::make_unique<Seat>(*this, std::move(sitter), now);
    const std::array scopes = {scope_of(seat->sitter()), Scope{all_torrents, seat->sitter().is_near}};
    for (const auto& scope : scopes)
        if (!make_room(scope, *seat, now)) return nullptr;
    for (const auto& scope : scopes) places(scope).take(seat->holder());
    seats_.insert(seat.get());
    return seat;
}

FairPlaces& Seats::places(const Scope& scope) {
    return places_.try_emplace(scope, places_of(scope.first, scope.second)).first->second;
}

// Where nobody holds too much, one goes that was idle for a while.
bool Seats::make_room(const Scope& scope, const Seat& newcomer, TimePoint now) {
    const auto at = places_.find(scope);
    if (at == places_.end() || !at->second.are_all_taken()) return true;
    const auto holder = at->second.gives_way(newcomer.holder());
    const bool only_idle = !holder || *holder == newcomer.holder();
    const Seat* chosen = nullptr;
    for (const auto* seat : seats_) {
        if (scope.second != seat->sitter().is_near) continue;
        if (scope.first != all_torrents && scope != scope_of(seat->sitter())) continue;
        if (holder && seat->holder() != *holder) continue;
        if (only_idle && now - seat->last_use() < limits::seat_spared) continue;
        if (chosen == nullptr || seat->last_use() < chosen->last_use()) chosen = seat;
    }
    if (chosen == nullptr) return false;
    if (chosen->close()) later_(chosen->close());
    leave(*chosen);
    return true;
}

void Seats::leave(const Seat& seat) {
    if (seats_.erase(&seat) == 0) return;
    for (const auto& scope : {scope_of(seat.sitter()), Scope{all_torrents, seat.sitter().is_near}}) {
        const auto at = places_.find(scope);
        at->second.leave(seat.holder());
        if (at->second.taken() == 0) places_.erase(at);
    }
}

}  // namespace packswarm::swarm
