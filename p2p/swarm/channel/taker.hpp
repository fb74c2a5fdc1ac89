// Taker: our side of one conversation: asks in batches, gets in blocks, a bounded number of bytes on their way, fetches
// in turns. Not here: how bytes leave (wire.hpp), who wants the answers (TakerEvents). Network thread. A peer that
// answers what was not asked, or with another length, breaks the rules; one that is silent is dropped.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "p2p/broker/ports/answers.hpp"
#include "p2p/swarm/channel/giver.hpp"

namespace packswarm::swarm {

struct TakerEvents {
    std::function<void(std::vector<Told>)> told;
    std::function<void(const Have&)> lends;
    std::function<void(broker::FetchId, ByteCount offset, Bytes)> data;
    std::function<void(broker::FetchId, Result<void>)> done;
    std::function<bool()> congested;  // the loop has more unread bytes than it should: no further gets for now
};

class Taker {
  public:
    struct Window {
        ByteCount block = limits::max_data_block;
        ByteCount bytes = 4 * limits::mib;  // asked for and not received
    };

    Taker(Wire& wire, TakerEvents events, Window window) : wire_(wire), events_(std::move(events)), window_(window) {}

    void ask(const std::vector<Digest>& digests);
    void get(broker::FetchId fetch, const Digest& digest, ByteRange range);
    bool cancel(broker::FetchId fetch);  // false: not one of ours

    void take(const Tell& tell, TimePoint now);
    void take(const Have& have, TimePoint now);
    void take(const Data& data);
    void take(const Refuse& refuse);
    void heard(TimePoint now) { last_heard_ = now; }  // part of an answer arrived

    void pump(TimePoint now);  // sends what the windows allow
    bool is_silent(TimePoint now, Millis timeout) const;
    void fail_all(const Error& error);  // the wire is gone
    ByteCount received() const { return received_; }

  private:
    struct Fetch {
        Digest digest;
        ByteRange left;             // not asked for yet
        ByteCount outstanding = 0;  // asked for and not received
    };
    struct Block {
        broker::FetchId fetch = broker::FetchId::none;  // none: cancelled
        ByteCount offset = 0;
        std::uint32_t length = 0;
    };
    void send_asks(TimePoint now);
    void send_get(broker::FetchId id, Fetch& fetch);
    const Block* expected(Token token);
    Block take_block(Token token);
    bool wanted(const Digest& digest, TimePoint now);
    void forget(broker::FetchId id);
    void finish(broker::FetchId id, Result<void> result);
    bool waiting() const { return !blocks_.empty() || !asked_.empty(); }

    Wire& wire_;
    TakerEvents events_;
    Window window_;
    std::deque<Digest> to_ask_;
    std::map<Token, std::unordered_set<Digest>> asked_;
    std::unordered_map<broker::FetchId, Fetch> fetches_;
    std::deque<broker::FetchId> turns_;  // fetches with something left to ask for
    std::unordered_map<Token, Block> blocks_;
    std::unordered_map<Digest, TimePoint> interest_;  // asked for lately: until when news of it is listened to
    ByteCount in_flight_ = 0;
    Token last_token_ = 0;
    TimePoint last_heard_{};
    ByteCount received_ = 0;
    Allowance asking_{limits::ask_burst / 2, limits::asks_per_second / 2};
    Allowance stray_news_{limits::max_standing_asks, 64};  // of what was asked for too long ago
};

}  // namespace packswarm::swarm
