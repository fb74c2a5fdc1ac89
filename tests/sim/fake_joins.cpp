// The torrents of fake peers: whole pieces from those who offered, in order, two at a time of each, checked against the
// hints. A peer that gave a wrong piece, or none, is not asked again in this torrent; nobody else hears of it, as with
// libtorrent.
#include <algorithm>

#include "p2p/core/canonical.hpp"
#include "tests/sim/fake_peers.hpp"
#include "verify/hasher.hpp"

namespace packswarm::test {

namespace {
constexpr int pieces_of_one = 2;  // under way from one peer
}

broker::JoinId FakePeers::join(broker::Join join, broker::JoinEvents events) {
    const auto id = broker::JoinId{++last_};
    auto& joined = joins_[id];
    joined.have = join.have;
    joined.claimed.resize(join.have.size());
    joined.join = std::move(join);
    joined.events = std::move(events);
    loop_.post([this, id] { pull(id); });
    return id;
}

void FakePeers::add_peer(broker::JoinId join, broker::PeerId peer) {
    const auto at = joins_.find(join);
    if (at == joins_.end()) return;
    at->second.join.peers.push_back(peer);
    pull(join);
}

void FakePeers::claim(broker::JoinId join, std::size_t first, std::size_t count) {
    const auto at = joins_.find(join);
    for (auto piece = first; at != joins_.end() && piece < first + count; ++piece) at->second.claimed.at(piece) = true;
}

void FakePeers::unclaim(broker::JoinId join, std::size_t first, std::size_t count) {
    const auto at = joins_.find(join);
    if (at == joins_.end()) return;
    for (auto piece = first; piece < first + count; ++piece)
        at->second.claimed.at(piece) = at->second.have.at(piece) = false;
    pull(join);
}

void FakePeers::feed(broker::JoinId join, std::size_t piece, Bytes bytes) {
    const auto at = joins_.find(join);
    if (at == joins_.end()) return;
    const bool right = verify::piece_hash_of(bytes) == at->second.join.pieces.at(piece);
    at->second.have.at(piece) = right;
    loop_.post([this, join, piece, right] {
        const auto joined = joins_.find(join);
        if (joined == joins_.end()) return;
        const auto events = joined->second.events;
        right ? events.piece_done(piece, broker::PeerId::none) : events.piece_wrong(piece);
    });
}

void FakePeers::leave(broker::JoinId join, Task left) {
    if (const auto gone = joins_.extract(join))
        for (const auto& [piece, fetch] : gone.mapped().asked) cancel(fetch);
    loop_.post(std::move(left));
}

void FakePeers::pull(broker::JoinId id) {
    const auto at = joins_.find(id);
    if (at == joins_.end()) return;
    auto& joined = at->second;
    for (const auto peer : std::vector(joined.join.peers)) {
        if (links_.count(peer) == 0 || joined.out.count(peer) != 0) continue;
        for (std::size_t piece = 0; piece < joined.have.size(); ++piece) {
            if (joined.have[piece] || joined.claimed[piece] || joined.asked.count(piece) != 0) continue;
            const auto under_way = std::count_if(joined.asked.begin(), joined.asked.end(), [&](const auto& item) {
                const auto get = gets_.find(item.second);
                return get != gets_.end() && get->second.peer == peer;
            });
            if (under_way >= pieces_of_one) break;
            ask_piece(id, piece, peer);
        }
    }
}

void FakePeers::ask_piece(broker::JoinId id, std::size_t piece, broker::PeerId peer) {
    auto& joined = joins_.at(id);
    const auto buffer = std::make_shared<Bytes>();
    broker::GetEvents events;
    events.data = [buffer](ByteCount, Bytes bytes) { buffer->insert(buffer->end(), bytes.begin(), bytes.end()); };
    events.done = [this, id, piece, peer, buffer](Result<void> result) {
        piece_came(id, piece, peer, *buffer, result.has_value());
    };
    joined.asked[piece] =
        open_get(peer, joined.join.digest, core::piece_range(joined.join.size, piece), std::move(events), true);
}

void FakePeers::piece_came(broker::JoinId id, std::size_t piece, broker::PeerId peer, const Bytes& bytes, bool whole) {
    const auto at = joins_.find(id);
    if (at == joins_.end()) return;
    auto& joined = at->second;
    joined.asked.erase(piece);
    const bool right = whole && verify::piece_hash_of(bytes) == joined.join.pieces.at(piece);
    if (!right) joined.out.insert(peer);
    if (right && !joined.have[piece] &&
        joined.join.file.write(core::piece_range(joined.join.size, piece).begin, bytes)) {
        joined.have[piece] = true;
        const auto events = joined.events;
        events.piece_done(piece, peer);
    }
    pull(id);
}

}  // namespace packswarm::test
