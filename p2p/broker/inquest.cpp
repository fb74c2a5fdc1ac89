#include "p2p/broker/inquest.hpp"

#include <algorithm>
#include <utility>

#include "p2p/broker/crowd_part.hpp"
#include "p2p/broker/torrent_part.hpp"
#include "p2p/broker/transfer.hpp"

namespace packswarm::broker {

namespace {
constexpr int max_last_chances = 3;  // that who was left out gets when nobody else is left
}  // namespace

void Inquest::open() {
    is_at_work_ = true;
    find_out();
    is_at_work_ = false;
}

void Inquest::find_out() {
    has_begun_ = true;
    std::vector<core::SourceId> givers;
    for (const auto& [source, share] : transfer_.shares_)
        if (!share.given.empty()) givers.push_back(source);
    const bool hints_lied = names_the_hints();
    if (!hints_lied && transfer_.crowd_ && transfer_.crowd_->drop_borrowed()) return;
    if (!hints_lied && givers.size() > 1 && (drop_discredited(givers) || drop_suspect(givers))) return transfer_.engine_.replan();
    for (const auto source : givers) transfer_.forget_bytes_of(source);
    transfer_.want().done = {};
    call_back();
    if (givers.size() == 1) return transfer_.blame(givers.front(), {ErrorKind::Corrupt, "gave bytes with another digest"});
    const auto next = next_alone();
    if (!next) return transfer_.fail_with({ErrorKind::Corrupt, "no source gives bytes with the signed digest"});
    go_solo(*next, "the digest was wrong: one mirror alone, to know whom to blame");
}

// Hints are lies when everything here agreed with them. What was lent may never have been held against them, and what came after the
// torrent had failed was not.
bool Inquest::names_the_hints() {
    auto torrent = std::exchange(transfer_.torrent_, nullptr);
    if (!torrent) return false;
    transfer_.want().swarm = {};
    transfer_.want().peers.clear();
    if (torrent->has_failed() || (transfer_.crowd_ && transfer_.crowd_->has_borrowed())) return false;
    torrent->distrust();
    return true;
}

void Inquest::close() {
    const auto suspect = suspect_;
    drop();
    if (suspect) transfer_.blame(*suspect, {ErrorKind::Corrupt, "without its bytes the digest is right"});
}

void Inquest::drop() {
    if (const auto suspect = std::exchange(suspect_, std::nullopt)) transfer_.engine_.sources.acquit(*suspect);
}

// Who was caught with wrong bytes elsewhere while this digest was computed is the likely liar: what the others gave stays.
bool Inquest::drop_discredited(const std::vector<core::SourceId>& givers) {
    std::vector<core::SourceId> caught;
    const auto& sources = transfer_.engine_.board.sources;
    for (const auto source : givers)
        if (const auto at = sources.find(source); suspected_.count(source) == 0 && (at == sources.end() || !at->second.usable)) caught.push_back(source);
    if (caught.empty() || caught.size() == givers.size()) return false;
    call_back();
    for (const auto source : caught) {
        transfer_.note(transfer_.engine_.sources.label(source) + " failed elsewhere: its bytes are fetched again");
        transfer_.forget_bytes_of(source);
        transfer_.want().barred.insert(source);
        left_out_.push_back(source);
        suspected_.insert(source);
    }
    return true;
}

// Whoever gave most is most likely the liar: its bytes are fetched again from the others, which it would take anyway if it is. Who was
// left out before for nothing helps with that; nobody is suspected twice.
bool Inquest::drop_suspect(const std::vector<core::SourceId>& givers) {
    auto& shares = transfer_.shares_;
    const auto weight = [&](core::SourceId giver) { return suspected_.count(giver) != 0 ? 0 : shares[giver].given.total(); };
    const auto suspect = *std::max_element(givers.begin(), givers.end(), [&](core::SourceId a, core::SourceId b) { return weight(a) < weight(b); });
    if (weight(suspect) == 0) return false;
    call_back();
    const auto& mirrors = transfer_.target_.mirrors;
    const bool others = std::any_of(mirrors.begin(), mirrors.end(), [&](const MirrorAddress& mirror) {
        return mirror.source != suspect && transfer_.want().barred.count(mirror.source) == 0;
    });
    if (!others) return false;
    transfer_.note("the bytes of " + transfer_.engine_.sources.label(suspect) + ", which gave most, are fetched again from the others");
    suspect_ = suspect;
    suspected_.insert(suspect);
    transfer_.forget_bytes_of(suspect);
    transfer_.want().barred.insert(suspect);
    transfer_.engine_.sources.set_aside(suspect);
    return true;
}

std::optional<core::SourceId> Inquest::next_alone() const {
    for (const auto& mirror : transfer_.target_.mirrors)
        if (tried_alone_.count(mirror.source) == 0 && transfer_.want().barred.count(mirror.source) == 0) return mirror.source;
    return std::nullopt;
}

bool Inquest::call_back() {
    if (suspect_) left_out_.push_back(*suspect_);
    drop();
    for (const auto source : left_out_) transfer_.want().barred.erase(source);
    return !std::exchange(left_out_, {}).empty();
}

// It was caught elsewhere: the liar may have been this one as well as the suspect, who helps to fetch its part.
void Inquest::forgotten(core::SourceId source) {
    if (!is_at_work_ && source != suspect_) call_back();
}

bool Inquest::goes_on() {
    if (const auto next = tried_alone_.empty() ? std::nullopt : next_alone()) {
        go_solo(*next, "the mirror before it failed");
        return true;
    }
    if (last_chances_++ >= max_last_chances || !call_back()) return false;
    transfer_.engine_.replan();
    return true;
}

void Inquest::go_solo(core::SourceId chosen, const char* reason) {
    has_begun_ = true;
    tried_alone_.insert(chosen);
    call_back();
    transfer_.note(fmt::format("only {} from here: {}", transfer_.engine_.sources.label(chosen), reason));
    for (const auto& [source, share] : std::map(transfer_.shares_))
        if (source != chosen) transfer_.forget_bytes_of(source);
    auto& want = transfer_.want();
    std::vector<core::ClaimId> others;
    for (const auto& [id, claim] : want.claims)
        if (claim.source != chosen) others.push_back(id);
    for (const auto id : others) transfer_.stop(id, reason);
    want.mirrors = {chosen};  // the others follow one by one when this one turns out to be the liar
    if (transfer_.crowd_) transfer_.crowd_->borrow_no_more();
    want.head_agreed = true;
    transfer_.engine_.replan();
}

}  // namespace packswarm::broker
