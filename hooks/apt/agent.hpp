// AptAgent: the agent as the apt method sees it: files asked for, their events, and apt's replies when they are there.
// Everything that the agent owes comes back in take_handed_over() as soon as it fails, dies or is silent. Not here:
// apt's own method. Driven by a poll loop: fd(), next_deadline(), on_readable(), on_time(), work(). One thread.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "hooks/apt/item.hpp"
#include "p2p/control/client.hpp"

namespace packswarm::hooks {

struct HandedOver {
    enum class Shown { not_yet, begun };  // begun: apt has seen its 200
    std::string uri, raw;                 // raw: the 600 as it came
    Error reason;
    std::optional<AptRemainder> remainder = {};
    Shown shown = Shown::not_yet;
    // The agent gave the root that lists it from another server: this one may be behind, as in the middle of a sync.
    bool is_of_anothers_root = false;
};

struct AptAgentSettings {
    std::string socket;
    Millis connect_timeout{2'000};
    Millis silence{20'000};          // nothing new for this long while it owes something: it is given up
    Millis quiet_before_start{300};  // see announce()
};

class AptAgent {
  public:
    explicit AptAgent(AptAgentSettings settings) : settings_(std::move(settings)) {}

    // Asks for the file; connects first when needed. After the agent was given up once, hands everything back at once.
    void get(AptItem item);

    int fd() const { return client_ ? client_->fd() : -1; }
    bool has_work() const;  // bytes to copy or events to read: do not wait in poll
    std::optional<TimePoint> next_deadline() const;
    void on_readable();
    void on_time();
    void work();  // one slice of one file

    std::string take_replies() { return std::exchange(replies_, {}); }
    std::vector<HandedOver> take_handed_over() { return std::exchange(handed_over_, {}); }

  private:
    struct Tracked {
        AptItem item;
        bool announced = false;          // apt has seen its 200
        bool is_from_elsewhere = false;  // the agent had it from another address than apt named
    };
    using Items = std::map<std::uint64_t, Tracked>;

    void on_event(control::Event event);
    Result<bool> apply(Tracked& tracked, control::Event event);
    void give_up(const Error& reason);
    void hand_over(Items::iterator item, const Error& reason);
    void finish(Items::iterator item, const AptMessage& reply);
    void announce();
    bool can_announce() const;
    void remember_root(const Tracked& tracked);
    bool is_of_anothers_root(const std::string& uri) const;

    AptAgentSettings settings_;
    std::optional<control::Client> client_;
    std::optional<Error> gone_;
    Items items_;
    std::uint64_t announced_ = 0;  // the file whose growth apt shows; 0: none
    TimePoint last_news_{}, last_finish_{};
    std::string replies_;
    std::vector<HandedOver> handed_over_;
    std::set<std::string> folders_of_anothers_roots_;  // addresses, with the last '/'
};

}  // namespace packswarm::hooks
