#include "tests/sim/fake_peers.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "p2p/base/limits.hpp"
#include "p2p/core/canonical.hpp"

namespace packswarm::test {

const char* to_string(Lie lie) {
    constexpr const char* names[] = {"none",         "garbage offers", "garbage loans", "some garbage",
                                     "wrong hashes", "wrong sizes",    "silence",       "absence",
                                     "drip",         "seeks only",     "vanishes",      "floods"};
    return names[static_cast<int>(lie)];
}

void FakePeers::meet(FakePeers& other) {
    if (this == &other || away || other.away || banned_.count(other.id_) != 0 || other.banned_.count(id_) != 0) return;
    for (auto [a, b] : {std::pair(this, &other), std::pair(&other, this)}) {
        a->links_[b->id_] = b;
        if (a->observer_ != nullptr) a->observer_->peer_up(b->view_of());
    }
    for (auto [liar, victim] : {std::pair(this, &other), std::pair(&other, this)})
        if (liar->lie_ == Lie::seeks_only || liar->lie_ == Lie::garbage_loans)
            liar->seek_everything(*victim);
        else if (liar->lie_ == Lie::floods)
            liar->flood(*victim, 40);
}

void FakePeers::leave_everybody() {
    for (const auto& [id, peer] : std::map(links_)) part(id);
}

void FakePeers::part(broker::PeerId other) {
    const auto at = links_.find(other);
    if (at == links_.end()) return;
    FakePeers& them = *at->second;
    drop(other);
    them.drop(id_);
}

std::vector<broker::PeerView> FakePeers::view() const {
    std::vector<broker::PeerView> out;
    for (const auto& [id, peer] : links_) out.push_back(peer->view_of());
    return out;
}

void FakePeers::ask(const core::Lineage& lineage, std::vector<Digest> digests, core::Audience whom) {
    asked.insert(digests.begin(), digests.end());
    for (const auto& [id, peer] : links_) {
        if (whom == core::Audience::neighbours && peer->line_.reach == broker::Reach::wan) continue;
        send(*peer, 40 + 32 * static_cast<ByteCount>(digests.size()),
             [peer = peer, from = id_, lineage, digests] { peer->take_ask(from, lineage, digests); });
    }
}

broker::FetchId FakePeers::get(broker::PeerId peer, const Digest& digest, ByteRange range, broker::GetEvents events) {
    const auto fetch = open_get(peer, digest, range, std::move(events), false);
    const auto open = std::count_if(gets_.begin(), gets_.end(), [&](const auto& item) {
        return item.second.peer == peer && !item.second.of_torrent;
    });
    most_gets[peer] = std::max(most_gets[peer], static_cast<std::size_t>(open));
    return fetch;
}

broker::FetchId FakePeers::open_get(broker::PeerId peer, const Digest& digest, ByteRange range,
                                    broker::GetEvents events, bool of_torrent) {
    const auto fetch = broker::FetchId{++last_};
    asked.insert(digest);
    gets_[fetch] = {peer,        range.begin, range.end, std::make_shared<broker::GetEvents>(std::move(events)),
                    loop_.now(), of_torrent};
    const auto at = links_.find(peer);
    if (at == links_.end()) {
        loop_.post([this, fetch] { finish(fetch, fail(ErrorKind::Transient, "the peer is gone")); });
        return fetch;
    }
    send(*at->second, 60, [to = at->second, from = id_, fetch, digest, range] {
        to->take_get({from, fetch, digest, range.begin, range.end});
    });
    watch(fetch);
    return fetch;
}

void FakePeers::cancel(broker::FetchId fetch) {
    const auto get = gets_.extract(fetch);
    if (!get) return;
    const auto at = links_.find(get.mapped().peer);
    if (at == links_.end()) return;
    send(*at->second, 20, [to = at->second, from = id_, fetch] {
        std::erase_if(to->open_, [&](const Open& open) { return open.from == from && open.fetch == fetch; });
    });
}

void FakePeers::lend(const Digest& digest, const StagedFile& file, const core::Lineage& lineage) {
    lent.insert(digest);
    loans_.insert_or_assign(digest, Loan{file, lineage, std::vector<bool>(core::piece_count(file.size()))});
    news(digest);
}

void FakePeers::lend_piece(const Digest& digest, std::size_t piece) {
    const auto at = loans_.find(digest);
    if (at == loans_.end()) return;
    at->second.pieces.at(piece) = true;
    if (is_first_hand && !is_first_hand(digest, core::piece_range(at->second.file.size(), piece))) ++second_hand;
    news(digest);
}

void FakePeers::end_loan(const Digest& digest, Outcome outcome) {
    const auto at = loans_.find(digest);
    if (at == loans_.end()) return;
    if (outcome == Outcome::failed) return void(loans_.erase(at));
    at->second.pieces.assign(at->second.pieces.size(), true);
    news(digest);
}

void FakePeers::blame(broker::PeerId peer, broker::Blame) {
    ++blamed[peer];
    banned_.insert(peer);
    loop_.post([this, peer] { part(peer); });
}

void FakePeers::offer(const core::Lineage&, std::vector<StoredMark> files) {
    for (const auto& file : files) {
        offered.insert(file.digest());
        shelf_.insert(file.digest());
        loans_.erase(file.digest());
        news(file.digest());
    }
}

broker::PeerView FakePeers::view_of() const {
    broker::PeerView out;
    out.id = id_;
    out.endpoint = "192.0.2." + std::to_string(static_cast<std::uint64_t>(id_)) + ":6881";
    out.reach = line_.reach;
    out.key = key();
    return out;
}

void FakePeers::send(FakePeers& to, ByteCount bytes, Task arrival) {
    up_free_ = std::max(up_free_, loop_.now()) + time_for(bytes, line_.up);
    to.down_free_ =
        std::max(up_free_ + line_.latency + to.line_.latency, to.down_free_ + time_for(bytes, to.line_.down));
    loop_.after(up_to(to.down_free_ - loop_.now()), [this, other = to.id_, arrival = std::move(arrival)] {
        if (links_.count(other) != 0) arrival();
    });
}

void FakePeers::drop(broker::PeerId peer) {
    if (links_.erase(peer) == 0) return;
    std::erase_if(open_, [&](const Open& open) { return open.from == peer; });
    for (const auto& [fetch, get] : std::map(gets_))
        if (get.peer == peer) finish(fetch, fail(ErrorKind::Transient, "the peer is gone"));
    if (observer_ != nullptr) observer_->peer_down(peer);
}

void FakePeers::watch(broker::FetchId fetch) {
    loop_.after(std::chrono::duration_cast<Millis>(limits::peer_get_timeout), [this, fetch] {
        const auto at = gets_.find(fetch);
        if (at == gets_.end()) return;
        const auto heard = heard_[at->second.peer];
        if (loop_.now() - std::max(heard, at->second.heard) < limits::peer_get_timeout) return watch(fetch);
        part(at->second.peer);
    });
}

void FakePeers::seek_everything(FakePeers& victim) {
    std::vector<Digest> all;
    for (const auto& [digest, artifact] : world_.artifacts) all.push_back(digest);
    send(victim, 40, [&victim, from = id_, all] {
        if (victim.observer_ != nullptr) victim.observer_->peer_seeks(from, all);
    });
}

// What belongs to nobody and what somebody may want, as often as the channel lets through.
void FakePeers::flood(FakePeers& victim, int times) {
    if (times == 0 || links_.count(victim.id_) == 0 || victim.observer_ == nullptr) return;
    std::vector<Digest> nonsense;
    for (std::uint64_t i = 0; i < 64; ++i) {
        std::array<char, 32> raw{};
        const std::uint64_t words[] = {++last_, i, static_cast<std::uint64_t>(id_), 7};
        std::memcpy(raw.data(), words, sizeof words);
        nonsense.push_back(Digest::from_raw(raw.data()));
    }
    victim.observer_->peer_seeks(id_, nonsense);
    for (const auto& digest : nonsense) victim.observer_->peer_offers({{id_, line_.reach, digest, 100'000, {}}});
    for (const auto& [digest, artifact] : world_.artifacts) tell(victim.id_, digest);
    seek_everything(victim);
    loop_.after(Millis(50), [this, &victim, times] { flood(victim, times - 1); });
}

void FakePeers::take_ask(broker::PeerId from, const core::Lineage& lineage, const std::vector<Digest>& digests) {
    if (lie_ == Lie::none && lineages_.count(lineage) == 0) return;
    std::vector<Digest> sought;
    for (const auto& digest : digests) {
        standing_[digest].insert(from);
        tell(from, digest);
        if (shelf_.count(digest) == 0) sought.push_back(digest);
    }
    if (observer_ != nullptr && !sought.empty()) observer_->peer_seeks(from, sought);
}

void FakePeers::tell(broker::PeerId peer, const Digest& digest) {
    FakePeers& to = *links_.at(peer);
    const auto artifact = world_.artifacts.find(digest);
    if (artifact == world_.artifacts.end() || lie_ == Lie::seeks_only) return;
    broker::PeerOffer offer{id_, line_.reach, digest, static_cast<ByteCount>(artifact->second.content.size()),
                            artifact->second.pieces};
    if (lie_ == Lie::wrong_hashes)
        for (auto& hash : offer.pieces) hash = PieceHash{};
    if (lie_ == Lie::wrong_sizes) offer.size += 1;
    const bool lends =
        lie_ == Lie::garbage_loans || (lie_ == Lie::floods && ++blocks_ % 2 == 0) ||
        (lie_ != Lie::floods && lie_ != Lie::none && offer.size > limits::small_artifact && lie_ != Lie::wrong_hashes);
    const auto loan = loans_.find(digest);
    if (shelf_.count(digest) == 0 && lie_ == Lie::none && loan == loans_.end()) return;
    broker::PeerLoan have{id_, digest, offer.size, std::vector<bool>(core::piece_count(offer.size), true)};
    const bool is_loan = lie_ == Lie::none ? shelf_.count(digest) == 0 : lends;
    if (lie_ == Lie::none && is_loan) have.pieces = loan->second.pieces;
    send(to, 60 + 20 * static_cast<ByteCount>(offer.pieces.size()), [&to, is_loan, have, offer] {
        if (to.observer_ == nullptr) return;
        if (is_loan) return to.observer_->peer_lends(have);
        to.observer_->peer_offers({offer});
    });
}

void FakePeers::take_get(Open open) {
    if (lie_ == Lie::silence) return;
    open_.push_back(open);
    pump();
}

void FakePeers::pump() {
    if (is_sending_ || open_.empty()) return;
    auto open = open_.front();
    open_.pop_front();
    FakePeers& to = *links_.at(open.from);
    const auto length = std::min<ByteCount>(lie_ == Lie::drip ? 512 : 64 * limits::kib, open.end - open.next);
    auto bytes = read(open.digest, open.next, length);
    if (bytes) sent += length;
    if (lie_ == Lie::vanishes && ++blocks_ % 3 == 0) {
        for (const auto& [id, peer] : std::map(links_))
            loop_.after(Millis(500), [this, other = peer] { meet(*other); });
        return leave_everybody();
    }
    send(to, bytes ? length : 20, [&to, from = id_, fetch = open.fetch, offset = open.next, bytes] {
        to.take_data(from, fetch, offset, bytes);
    });
    open.next += length;
    if (bytes && open.next < open.end) open_.push_back(open);
    is_sending_ = true;
    loop_.after(lie_ == Lie::drip ? Millis(1000) : up_to(up_free_ - loop_.now()), [this] {
        is_sending_ = false;
        pump();
    });
}

std::optional<Bytes> FakePeers::read(const Digest& digest, ByteCount offset, ByteCount length) {
    if (lie_ == Lie::absence) return std::nullopt;
    const auto loan = loans_.find(digest);
    if (lie_ == Lie::none && shelf_.count(digest) == 0) {
        if (loan == loans_.end()) return std::nullopt;
        const auto piece = core::piece_length(loan->second.file.size());
        for (auto at = offset / piece; at * piece < offset + length; ++at)
            if (!loan->second.pieces.at(static_cast<std::size_t>(at))) return std::nullopt;
        Bytes out(static_cast<std::size_t>(length));
        if (!read_at(loan->second.file.handle(), offset, out)) return std::nullopt;
        return out;
    }
    if (lie_ == Lie::none) {
        const auto file = stored(digest);
        Bytes out(static_cast<std::size_t>(length));
        if (!file || !read_at(file->handle(), offset, out)) return std::nullopt;
        return out;
    }
    const auto& content = world_.artifacts.at(digest).content;
    Bytes out(content.begin() + offset,
              content.begin() + std::min<ByteCount>(offset + length, static_cast<ByteCount>(content.size())));
    out.resize(static_cast<std::size_t>(length));
    const bool flips = lie_ == Lie::garbage_offers || lie_ == Lie::garbage_loans || lie_ == Lie::floods ||
                       (lie_ == Lie::some_garbage && ++blocks_ % 3 == 0);
    if (flips)
        for (char& c : out) c = static_cast<char>(~c);
    return out;
}

void FakePeers::take_data(broker::PeerId from, broker::FetchId fetch, ByteCount offset,
                          const std::optional<Bytes>& bytes) {
    heard_[from] = loop_.now();
    const auto at = gets_.find(fetch);
    if (at == gets_.end()) return;
    if (!bytes) return finish(fetch, fail(ErrorKind::Absent, "the peer does not share it any more"));
    const auto events = at->second.events;
    const bool complete = offset + static_cast<ByteCount>(bytes->size()) >= at->second.end;
    events->data(offset, *bytes);
    if (complete) finish(fetch, {});
}

}  // namespace packswarm::test
