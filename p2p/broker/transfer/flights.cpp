#include "p2p/broker/transfer/flights.hpp"

namespace packswarm::broker {

void Flights::begin(const plan::Start& start) {
    const auto id = plan::ClaimId{case_.context.next_claim++};
    const auto now = case_.now();
    case_.want().claims[id] = {start.source, start.range, 0, now, now, now, start.purpose};
    open_[id];
    case_.context.sources.claim_started(start.source);
    case_.host.note(
        fmt::format("{} [{}, {}): {}", case_.label(start.source), start.range.begin, start.range.end, start.reason));
    open_[id].fetch = case_.is_mirror(start.source) ? ask_mirror(id, start) : ask_peer(id, start);
}

FetchId Flights::ask_mirror(plan::ClaimId id, const plan::Start& start) {
    MirrorRequest request;
    request.url = *case_.target.address_at(start.source);
    request.expected_size = request.max_bytes = case_.target.size;
    request.stall_timeout = std::chrono::duration_cast<Millis>(limits::stall_timeout);
    request.takes_whole = start.purpose != plan::Purpose::check;
    const bool is_whole = start.range == case_.all();
    const bool gives_parts = start.range.begin > 0 || case_.context.board.sources.at(start.source).ranges;
    if (!is_whole && gives_parts) request.range = start.range;
    if (!is_whole && !gives_parts) request.enough = start.range.end;
    MirrorEvents events;
    events.head = [this, id](const MirrorHead& head) { needs_.answered(id, head); };
    events.data = [this, id](ByteCount offset, Bytes data) { needs_.took(id, offset, std::move(data)); };
    events.done = [this, id](Result<void> result) { needs_.ended(id, result); };
    return case_.context.mirrors.start(std::move(request), std::move(events));
}

FetchId Flights::ask_peer(plan::ClaimId id, const plan::Start& start) {
    GetEvents events;
    events.data = [this, id](ByteCount offset, Bytes data) {
        auto& claim = case_.want().claims.at(id);
        if (claim.received == 0)
            case_.context.sources.first_byte(claim.source, seconds_between(claim.started, case_.now()));
        needs_.took(id, offset, std::move(data));
    };
    events.done = [this, id](Result<void> result) { needs_.ended(id, result); };
    const auto peer = case_.context.sources.peer_id(start.source);
    return case_.context.peers.get(peer, case_.target.digest, start.range, std::move(events));
}

void Flights::collect(plan::ClaimId claim, ByteView data) {
    auto& here = open_.at(claim).in_memory;
    if (here.empty()) here.reserve(static_cast<std::size_t>(case_.want().claims.at(claim).range.length()));
    here.insert(here.end(), data.begin(), data.end());
}

ByteView Flights::in_memory(plan::ClaimId claim) const {
    const auto at = open_.find(claim);
    return at == open_.end() ? ByteView() : ByteView(at->second.in_memory);
}

std::optional<Flights::Landed> Flights::close(plan::ClaimId id) {
    const auto at = case_.want().claims.find(id);
    if (at == case_.want().claims.end()) return std::nullopt;
    Flight flight = std::move(open_.at(id));
    Landed out{at->second, std::move(flight.in_memory), flight.has_no_ranges};
    const plan::Claim& claim = out.claim;
    case_.context.sources.measured(claim.source, claim.received, seconds_between(claim.first_byte, claim.last_byte));
    if (case_.is_mirror(claim.source))
        case_.context.mirrors.cancel(flight.fetch);
    else
        case_.context.peers.cancel(flight.fetch);
    case_.want().claims.erase(at);
    case_.want().left = case_.now();
    open_.erase(id);
    case_.context.sources.claim_ended(claim.source);
    return out;
}

}  // namespace packswarm::broker
