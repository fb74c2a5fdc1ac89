#include "p2p/base/fair_places.hpp"

#include <algorithm>

namespace packswarm {

void FairPlaces::take(const Holder& holder) {
    auto& group = groups_[holder.group];
    ++group.taken;
    ++group.members[holder.member];
    ++taken_;
}

void FairPlaces::leave(const Holder& holder) {
    const auto group = groups_.find(holder.group);
    if (group == groups_.end()) return;
    const auto member = group->second.members.find(holder.member);
    if (member == group->second.members.end()) return;
    --taken_;
    if (--member->second == 0) group->second.members.erase(member);
    if (--group->second.taken == 0) groups_.erase(group);
}

std::size_t FairPlaces::held_by(const Holder& holder) const {
    const auto group = groups_.find(holder.group);
    if (group == groups_.end()) return 0;
    const auto member = group->second.members.find(holder.member);
    return member == group->second.members.end() ? 0 : member->second;
}

std::optional<FairPlaces::Holder> FairPlaces::gives_way(const Holder& newcomer) const {
    if (groups_.empty()) return std::nullopt;
    const auto own = groups_.find(newcomer.group);
    const std::size_t own_taken = own == groups_.end() ? 0 : own->second.taken;
    auto most = std::max_element(groups_.begin(), groups_.end(),
                                 [](const auto& a, const auto& b) { return a.second.taken < b.second.taken; });
    if (most->second.taken <= own_taken + 1) most = own;  // nobody else has more than a fair share
    if (most == groups_.end()) return std::nullopt;
    const auto& members = most->second.members;
    const auto largest = std::max_element(members.begin(), members.end(),
                                          [](const auto& a, const auto& b) { return a.second < b.second; });
    if (most->first != newcomer.group || largest->second > held_by(newcomer) + 1)
        return Holder{most->first, largest->first};
    if (held_by(newcomer) == 0) return std::nullopt;
    return newcomer;
}

}  // namespace packswarm
