#include "p2p/broker/transfer/inquest.hpp"

#include <algorithm>
#include <utility>

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
    const auto givers = case_.file.givers();
    const bool hints_lied = needs_.names_the_hints();
    if (!hints_lied && needs_.questions_lenders()) return;
    if (!hints_lied && givers.size() > 1 && (drop_discredited() || drop_suspect())) return case_.context.replan();
    for (const auto& [source, bytes] : givers) case_.host.forget(source);
    case_.want().done = {};
    call_back();
    if (givers.size() == 1)
        return case_.host.blame(givers.begin()->first, {ErrorKind::Corrupt, "gave bytes with another digest"});
    const auto next = next_alone();
    if (!next) return case_.host.fail({ErrorKind::Corrupt, "no source gives bytes with the signed digest"});
    go_solo(*next, "the digest was wrong: one mirror alone, to know whom to blame");
}

void Inquest::close() {
    const auto suspect = suspect_;
    drop();
    if (suspect) case_.host.blame(*suspect, {ErrorKind::Corrupt, "without its bytes the digest is right"});
}

void Inquest::drop() {
    if (const auto suspect = std::exchange(suspect_, std::nullopt)) case_.context.sources.acquit(*suspect);
}

bool Inquest::drop_discredited() {
    const auto caught = plan::caught_elsewhere(case_.file.givers(), suspected_, case_.context.board.sources);
    if (caught.empty()) return false;
    call_back();
    for (const auto source : caught) {
        case_.host.note(case_.label(source) + " failed elsewhere: its bytes are fetched again");
        case_.host.forget(source);
        case_.want().barred.insert(source);
        left_out_.push_back(source);
        suspected_.insert(source);
    }
    return true;
}

bool Inquest::drop_suspect() {
    const auto suspect = plan::likeliest_liar(case_.file.givers(), suspected_);
    if (!suspect) return false;
    call_back();
    const auto& mirrors = case_.target.mirrors;
    const bool others = std::any_of(mirrors.begin(), mirrors.end(), [&](const MirrorAddress& mirror) {
        return mirror.source != *suspect && case_.want().barred.count(mirror.source) == 0;
    });
    if (!others) return false;
    case_.host.note("the bytes of " + case_.label(*suspect) + ", which gave most, are fetched again from the others");
    suspect_ = suspect;
    suspected_.insert(*suspect);
    case_.host.forget(*suspect);
    case_.want().barred.insert(*suspect);
    case_.context.sources.set_aside(*suspect);
    return true;
}

std::vector<plan::SourceId> Inquest::mirrors() const {
    std::vector<plan::SourceId> out;
    for (const auto& mirror : case_.target.mirrors) out.push_back(mirror.source);
    return out;
}

std::optional<plan::SourceId> Inquest::next_alone() const {
    return plan::next_alone(mirrors(), tried_alone_, case_.want().barred);
}

bool Inquest::call_back() {
    if (suspect_) left_out_.push_back(*suspect_);
    drop();
    for (const auto source : left_out_) case_.want().barred.erase(source);
    return !std::exchange(left_out_, {}).empty();
}

// It was caught elsewhere: the liar may have been this one as well as the suspect, who helps to fetch its part.
void Inquest::forgotten(plan::SourceId source) {
    if (!is_at_work_ && source != suspect_) call_back();
}

bool Inquest::goes_on() {
    if (const auto next = tried_alone_.empty() ? std::nullopt : next_alone()) {
        go_solo(*next, "the mirror before it failed");
        return true;
    }
    if (last_chances_++ >= max_last_chances || !call_back()) return false;
    case_.context.replan();
    return true;
}

void Inquest::go_solo(plan::SourceId chosen, const char* reason) {
    has_begun_ = true;
    tried_alone_.insert(chosen);
    call_back();
    case_.host.note(fmt::format("only {} from here: {}", case_.label(chosen), reason));
    for (const auto& [source, share] : std::map(case_.file.shares()))
        if (source != chosen) case_.host.forget(source);
    auto& want = case_.want();
    std::vector<plan::ClaimId> others;
    for (const auto& [id, claim] : want.claims)
        if (claim.source != chosen) others.push_back(id);
    for (const auto id : others) needs_.stop(id, reason);
    want.mirrors = {chosen};  // the others follow one by one when this one turns out to be the liar
    needs_.borrow_no_more();
    want.head_agreed = true;
    case_.context.replan();
}

}  // namespace packswarm::broker
