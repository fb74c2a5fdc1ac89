// SharingWatch: looks once a second at what was given and how the machine is connected, counts the one in the ledger,
// and opens or closes sharing by core::judge_sharing. Not here: the rules, who gives (swarm). Loop's thread.
#pragma once

#include <functional>

#include "p2p/broker/index_book.hpp"
#include "p2p/broker/ports/peers.hpp"
#include "p2p/broker/ports/shelf.hpp"
#include "p2p/core/sharing_rules.hpp"
#include "p2p/store/ledger.hpp"

namespace packswarm::daemon {

class SharingWatch {
  public:
    struct View {
        core::SharingRules rules;
        core::SharingVerdict verdict;
        core::Surroundings surroundings;
        store::Sent month;                   // this month's, in UTC
        double far_rate = 0, near_rate = 0;  // bytes per second, now
    };
    using LookAround = std::function<core::Surroundings()>;

    SharingWatch(Loop& loop, broker::IndexBook& book, broker::Peers& peers, store::Ledger& ledger,
                 LookAround look_around);
    ~SharingWatch();                           // counts what was given last
    void set_rules(core::SharingRules rules);  // in force when it returns
    View view() const;

  private:
    void tick();
    void count();
    void judge();

    Loop& loop_;
    broker::IndexBook& book_;
    broker::Peers& peers_;
    store::Ledger& ledger_;
    LookAround look_around_;
    View view_;
    broker::Giving counted_;
    TimePoint counted_at_;
    int ticks_ = 0;
    TimerId timer_ = TimerId::none;
};

}  // namespace packswarm::daemon
