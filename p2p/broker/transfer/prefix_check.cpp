#include "p2p/broker/transfer/prefix_check.hpp"

#include <algorithm>
#include <utility>

#include "p2p/plan/tuning.hpp"

namespace packswarm::broker {

namespace {
constexpr double shown_after_s = 4;  // of a small one: who takes bytes as they come should see something
constexpr double alone_after_s =
    30;  // nobody else could give the head: the only one is taken at its word, as without us
}  // namespace

void PrefixCheck::compare(plan::SourceId from, Bytes head) {
    case_.file.wasted(from, static_cast<ByteCount>(head.size()));
    votes_[from] = std::move(head);
    case_.want().heads.insert(from);
    settle();
    case_.context.replan();
}

void PrefixCheck::settle() {
    auto& want = case_.want();
    const ByteCount length = plan::head_length(case_.target.size);
    if (want.head_agreed) return stand_again();
    if ((!want.is_small() && !want.done.covers({0, length})) || !collect(length)) return;
    if (const auto head = plan::agreed_head(votes_)) return agreed(*head);
    if (votes_.empty()) return;
    const auto first = *votes_.begin();
    if (votes_.size() == 1 && stands_alone(first.first)) return agreed(first.second);
    // Nobody agrees with anybody: each of several mirrors gave another head.
    if (votes_.size() > 1 && votes_.size() >= case_.target.mirrors.size())
        needs_.go_solo(first.first, "the mirrors give different bytes");
}

// All others failed for this artifact, or are set back: nobody is left to compare with, and the asker has waited for
// long.
bool PrefixCheck::stands_alone(plan::SourceId source) const {
    const auto& want = case_.want();
    if (!want.streamed || seconds_between(want.created, case_.now()) < alone_after_s) return false;
    const auto& mirrors = case_.target.mirrors;
    return std::none_of(mirrors.begin(), mirrors.end(), [&](const MirrorAddress& other) {
        const bool may_give =
            want.barred.count(other.source) == 0 && case_.context.board.sources.at(other.source).usable;
        return other.source != source && may_give;
    });
}

bool PrefixCheck::collect(ByteCount length) {
    auto& want = case_.want();
    for (const auto& [id, claim] : want.claims) {
        if (!want.is_small()) break;  // what came of a large one stands in the file
        const auto here = needs_.in_memory(id);
        const bool gives_it = claim.purpose != plan::Purpose::check && static_cast<ByteCount>(here.size()) >= length;
        if (gives_it && case_.is_mirror(claim.source) && want.heads.insert(claim.source).second)
            votes_[claim.source] = Bytes(here.begin(), here.begin() + length);
    }
    for (const auto& [source, share] : case_.file.shares()) {
        if (!share.given.covers({0, length}) || !case_.is_mirror(source)) continue;
        if (!want.heads.insert(source).second && votes_.count(source) != 0) break;
        auto head = case_.file.read({0, length});
        if (!head) return case_.host.fail(head.error()), false;
        votes_[source] = std::move(*head);
        break;
    }
    return true;
}

void PrefixCheck::agreed(const Bytes& head) {
    auto& want = case_.want();
    want.head_agreed = true;
    if (want.is_small()) return show(head);  // its digest tells soon who lied
    for (const auto& [source, other] : std::map(votes_))
        if (other != head) {
            case_.host.forget(source);
            case_.host.blame(source, {ErrorKind::Corrupt, "its first bytes differ from what two other sources give"});
        }
    const auto length = static_cast<ByteCount>(head.size());
    if (!want.done.covers({0, length}) || !is_here(head)) return;  // parts of it may be a third one's
    shown_ = head;
    safe_ = std::max(safe_, length);
}

void PrefixCheck::arriving(const plan::Claim& claim, ByteView so_far) {
    auto& want = case_.want();
    if (!want.streamed || !case_.is_mirror(claim.source)) return;
    const auto length = std::min(plan::head_length(case_.target.size), static_cast<ByteCount>(so_far.size()));
    const bool waited = seconds_between(claim.started, case_.now()) >= shown_after_s;
    if (case_.target.mirrors.size() == 1 && want.peers.empty()) {
        if (waited) show({so_far.begin(), so_far.begin() + length});
    } else if (!votes_.empty() || waited) {
        settle();
    }
}

void PrefixCheck::trust_the_only_mirror() {
    if (case_.target.mirrors.size() != 1 || !case_.want().peers.empty()) return;
    const auto& given = case_.file.given_by(case_.target.mirrors.front().source);
    safe_ = std::max(safe_, std::min(given.prefix(), case_.target.size - 1));
}

void PrefixCheck::show(Bytes head) {
    if (!shown_.empty() || !to_be_shown_.empty()) return;
    if (auto room = case_.file.make_room(static_cast<ByteCount>(head.size())); !room)
        return case_.host.fail(room.error());
    to_be_shown_ = head;
    case_.file.write_head(std::move(head), [this](const Result<void>& written) {
        if (case_.host.is_over() || to_be_shown_.empty()) return;
        if (!written) return case_.host.fail(written.error());
        is_shown();
    });
}

void PrefixCheck::is_shown() {
    shown_ = std::exchange(to_be_shown_, {});
    safe_ = static_cast<ByteCount>(shown_.size());
    case_.host.note(fmt::format("its first {} bytes go out before the others are here", shown_.size()));
    needs_.shown();
}

void PrefixCheck::replaced_by(ByteView content) {
    to_be_shown_.clear();
    if (shown_.empty() || std::equal(shown_.begin(), shown_.end(), content.begin())) return;
    safe_ = 0;
    needs_.withdrawn();
}

// What the only mirror gave goes out as far as it has come; more than the head is not remembered.
void PrefixCheck::lost(const core::RangeSet& ranges) {
    if (!ranges.touches({0, safe_})) return;
    is_contradicted_ = is_contradicted_ || safe_ > plan::head_length(case_.target.size);
    safe_ = 0;
}

// A liar's bytes went, the head's among them, and somebody else has given the same head: who is being handed it need
// not be cut off, nor wait without a byte until the whole is here.
void PrefixCheck::stand_again() {
    const auto size = static_cast<ByteCount>(shown_.size());
    const auto& want = case_.want();
    if (safe_ >= size || want.is_small() || is_contradicted_ || !want.done.covers({0, size})) return;
    if (is_here(shown_)) safe_ = size;
}

bool PrefixCheck::is_here(const Bytes& head) const {
    const auto here = case_.file.read({0, static_cast<ByteCount>(head.size())});
    return here && *here == head;
}

}  // namespace packswarm::broker
