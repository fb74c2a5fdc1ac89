#include "p2p/broker/heads.hpp"

#include <algorithm>

#include "p2p/broker/transfer.hpp"

namespace packswarm::broker {

namespace {
constexpr double shown_after_s = 4;  // of a small one: who takes bytes as they come should see something
constexpr double alone_after_s = 30;  // nobody else could give the head: the only one is taken at its word, as without us
}  // namespace

void Heads::compare(core::SourceId from, Bytes head) {
    transfer_.shares_[from].wasted += static_cast<ByteCount>(head.size());
    votes_[from] = std::move(head);
    transfer_.want().heads.insert(from);
    settle();
    transfer_.engine_.replan();
}

void Heads::settle() {
    auto& want = transfer_.want();
    const ByteCount length = core::head_length(transfer_.target_.size);
    if (want.head_agreed) return stand_again();
    if ((!want.is_small() && !want.done.covers({0, length})) || !collect(length)) return;
    std::map<Bytes, std::vector<core::SourceId>> sides;
    for (const auto& [source, head] : votes_) sides[head].push_back(source);
    const auto winner = std::find_if(sides.begin(), sides.end(), [](const auto& side) { return side.second.size() >= 2; });
    if (winner == sides.end()) {
        if (votes_.size() == 1 && stands_alone(votes_.begin()->first)) return agreed(votes_.begin()->second);
        const bool everyone_asked = votes_.size() >= transfer_.target_.mirrors.size();
        if (sides.size() > 1 && everyone_asked) transfer_.inquest_.go_solo(votes_.begin()->first, "the mirrors give different bytes");
        return;
    }
    agreed(winner->first);
}

// All others failed for this artifact, or are set back: nobody is left to compare with, and the asker has waited for
// long.
bool Heads::stands_alone(core::SourceId source) const {
    const auto& want = transfer_.want();
    if (!want.streamed || seconds_between(want.created, transfer_.engine_.loop.now()) < alone_after_s) return false;
    const auto& mirrors = transfer_.target_.mirrors;
    return std::none_of(mirrors.begin(), mirrors.end(), [&](const MirrorAddress& other) {
        const bool may_give = want.barred.count(other.source) == 0 && transfer_.engine_.board.sources.at(other.source).usable;
        return other.source != source && may_give;
    });
}

bool Heads::collect(ByteCount length) {
    auto& want = transfer_.want();
    for (const auto& [id, claim] : want.claims) {
        if (!want.is_small()) break;  // what came of a large one stands in the file
        const auto& buffer = transfer_.flights_.at(id).buffer;
        const bool gives_it = claim.purpose != core::Purpose::check && static_cast<ByteCount>(buffer.size()) >= length;
        if (gives_it && transfer_.engine_.sources.kind(claim.source) == SourceKind::mirror && want.heads.insert(claim.source).second)
            votes_[claim.source] = Bytes(buffer.begin(), buffer.begin() + length);
    }
    for (const auto& [source, share] : transfer_.shares_) {
        if (!share.given.covers({0, length}) || transfer_.engine_.sources.kind(source) != SourceKind::mirror) continue;
        if (!want.heads.insert(source).second && votes_.count(source) != 0) break;
        Bytes head(static_cast<std::size_t>(length));
        if (auto got = read_at(transfer_.staged_->handle(), 0, head); !got) return transfer_.fail_with(got.error()), false;
        votes_[source] = std::move(head);
        break;
    }
    return true;
}

void Heads::agreed(const Bytes& head) {
    auto& want = transfer_.want();
    want.head_agreed = true;
    if (want.is_small()) return show(head);  // its digest tells soon who lied
    for (const auto& [source, other] : std::map(votes_))
        if (other != head) {
            transfer_.forget_bytes_of(source);
            transfer_.blame(source, {ErrorKind::Corrupt, "its first bytes differ from what two other sources give"});
        }
    if (!want.done.covers({0, static_cast<ByteCount>(head.size())}) || !is_here(head)) return;  // parts of it may be a third one's
    shown_ = head;
    transfer_.safe_ = std::max(transfer_.safe_, static_cast<ByteCount>(head.size()));
}

void Heads::arriving(const core::Claim& claim, const Bytes& so_far) {
    auto& want = transfer_.want();
    if (transfer_.safe_ > 0) return transfer_.tell_progress();
    if (!want.streamed || transfer_.engine_.sources.kind(claim.source) != SourceKind::mirror) return;
    const auto length = std::min(core::head_length(transfer_.target_.size), static_cast<ByteCount>(so_far.size()));
    const bool waited = seconds_between(claim.started, transfer_.engine_.loop.now()) >= shown_after_s;
    if (transfer_.target_.mirrors.size() == 1 && want.peers.empty()) {
        if (waited) show(ByteView(so_far).first(static_cast<std::size_t>(length)));
    } else if (!votes_.empty() || waited) {
        settle();
    }
}

void Heads::show(ByteView head) {
    if (!shown_.empty() || !transfer_.has_room(static_cast<ByteCount>(head.size()))) return;
    if (auto written = transfer_.staged_->write(0, head); !written) return transfer_.fail_with(written.error());
    shown_.assign(head.begin(), head.end());
    transfer_.safe_ = static_cast<ByteCount>(head.size());
    transfer_.note(fmt::format("its first {} bytes go out before the others are here", head.size()));
    transfer_.events_.started();
    transfer_.events_.progress();
}

void Heads::replaced_by(ByteView content) {
    if (shown_.empty() || std::equal(shown_.begin(), shown_.end(), content.begin())) return;
    transfer_.safe_ = 0;
    transfer_.events_.progress();
}

// What the only mirror gave goes out as far as it has come; more than the head is not remembered.
void Heads::forgotten() {
    is_contradicted_ = is_contradicted_ || transfer_.safe_ > core::head_length(transfer_.target_.size);
    transfer_.safe_ = 0;
}

// A liar's bytes went, the head's among them, and somebody else has given the same head: who is being handed it need
// not be cut off, nor wait without a byte until the whole is here.
void Heads::stand_again() {
    const auto size = static_cast<ByteCount>(shown_.size());
    const auto& want = transfer_.want();
    if (transfer_.safe_ >= size || want.is_small() || is_contradicted_ || !want.done.covers({0, size})) return;
    if (is_here(shown_)) transfer_.safe_ = size;
}

bool Heads::is_here(const Bytes& head) const {
    Bytes here(head.size());
    return read_at(transfer_.staged_->handle(), 0, here) && here == head;
}

bool Heads::were_true() const { return !is_contradicted_ && (shown_.empty() || is_here(shown_)); }

}  // namespace packswarm::broker
