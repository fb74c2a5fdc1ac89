// The first bytes of a large artifact: two sources must agree before anything is streamed.
#include <algorithm>

#include "p2p/broker/transfer.hpp"

namespace packswarm::broker {

void Transfer::compare_head(core::SourceId from, Bytes head) {
    shares_[from].wasted += static_cast<ByteCount>(head.size());
    heads_[from] = std::move(head);
    want().heads.insert(from);
    settle_heads();
    engine_.replan();
}

void Transfer::settle_heads() {
    const ByteCount length = std::min(core::head_bytes, target_.size);
    if (want().head_agreed || (!want().is_small() && !want().done.covers({0, length}))) return;
    for (const auto& [source, share] : shares_) {
        if (!share.given.covers({0, length}) || engine_.sources.kind(source) != SourceKind::mirror) continue;
        if (!want().heads.insert(source).second && heads_.count(source) != 0) break;
        Bytes head(static_cast<std::size_t>(length));
        if (auto got = read_at(staged_->handle(), 0, head); !got) return fail_with(got.error());
        heads_[source] = std::move(head);
        break;
    }
    std::map<Bytes, std::vector<core::SourceId>> votes;
    for (const auto& [source, head] : heads_) votes[head].push_back(source);
    const auto winner = std::find_if(votes.begin(), votes.end(), [](const auto& vote) { return vote.second.size() >= 2; });
    if (winner == votes.end()) {
        const bool everyone_asked = heads_.size() >= target_.mirrors.size();
        if (votes.size() > 1 && everyone_asked) go_solo(heads_.begin()->first, "the mirrors give different bytes");
        return;
    }
    want().head_agreed = true;
    const std::vector<core::SourceId> honest = winner->second;
    for (const auto& [source, head] : std::map(heads_))
        if (std::find(honest.begin(), honest.end(), source) == honest.end()) {
            forget_bytes_of(source);
            blame(source, {ErrorKind::Corrupt, "its first bytes differ from what two other sources give"});
        }
    Bytes here(static_cast<std::size_t>(length));  // parts of it may be a third one's
    if (want().done.covers({0, length}) && read_at(staged_->handle(), 0, here) && here == winner->first) safe_ = std::max(safe_, length);
}

}  // namespace packswarm::broker
