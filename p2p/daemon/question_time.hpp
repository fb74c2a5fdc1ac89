// QuestionTime: how much of the loop's time each user's questions may take: three seconds at once, a hundredth of it
// for long. The owner's are not counted. Plain data; time comes in.
#pragma once

#include <algorithm>
#include <map>

#include "p2p/base/units.hpp"

namespace packswarm::daemon {

class QuestionTime {
  public:
    // Zero: it is answered. Else how long to wait before asking again.
    Seconds wait_of(unsigned uid, TimePoint now) {
        if (users_.size() >= most_users)
            std::erase_if(users_, [&](const auto& one) { return left(one.second, now) >= at_once; });
        const auto at = users_.find(uid);
        if (at == users_.end() || left(at->second, now) > 0) return Seconds(0);
        return Seconds(1 + static_cast<int>(-left(at->second, now) / for_long));
    }
    void took(unsigned uid, double seconds, TimePoint now) {
        const auto at = users_.try_emplace(uid, User{at_once, now}).first;
        at->second = {left(at->second, now) - seconds, now};
    }

  private:
    static constexpr double at_once = 3;  // seconds
    static constexpr double for_long = 0.01;
    static constexpr std::size_t most_users = 1'000;
    struct User {
        double left = at_once;
        TimePoint at{};
    };
    static double left(const User& user, TimePoint now) {
        return std::min(at_once, user.left + for_long * std::chrono::duration<double>(now - user.at).count());
    }
    std::map<unsigned, User> users_;
};

}  // namespace packswarm::daemon
