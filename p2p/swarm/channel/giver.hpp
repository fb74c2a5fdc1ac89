// Giver: answers one peer's asks and gets from offered files and from files being lent, as fast as the connection
// drains: asks, then small artifacts, then the rest. For some seconds after an ask it also tells what comes later. Not
// here: how bytes leave (wire.hpp). Network thread. Nothing a peer sends makes it hold more than limits.hpp allows:
// answers wait as questions, and only so many of those.
#pragma once

#include <deque>
#include <functional>

#include "p2p/base/budget.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/swarm/allowance.hpp"
#include "p2p/swarm/channel/lending.hpp"
#include "p2p/swarm/channel/message.hpp"
#include "p2p/swarm/channel/wire.hpp"
#include "p2p/swarm/offered_files.hpp"

namespace packswarm::swarm {

// Digests that all peers together have asked for: of asks that wait, and of what they are told news of.
struct AskedByAll {
    Budget waiting{limits::max_all_asked, limits::max_spared_asked};
    Budget standing{limits::max_all_standing, limits::max_spared_standing};
};

class Giver {
  public:
    struct Rights {                                       // of this peer, whose lineages may change
        std::function<bool(const OfferedFile&)> may_see;  // it is in a lineage of the artifact
        std::function<bool(const LineageId&)> is_in;
        std::function<void(ByteCount)> gave = [](ByteCount) {};  // payload
    };

    // room: bytes kept on their way.
    Giver(Wire& wire, OfferedFiles& offered, const Lending& lending, AskedByAll& asked, Rights rights, ByteCount room)
        : wire_(wire),
          offered_(offered),
          lending_(lending),
          rights_(std::move(rights)),
          room_(room),
          waiting_(asked.waiting),
          all_standing_(asked.standing) {}

    void take(Ask ask, TimePoint now);
    void take(const Get& get);
    void take(const Cancel& cancel);
    void news(const Digest& digest,
              TimePoint now);  // it came, or more of it can be lent: told when the peer asked for it lately
    // Sends what there is room for. True when answers are left: call again when the connection has drained.
    bool pump();
    ByteCount sent() const { return sent_; }  // payload of data messages

  private:
    struct OpenAsk {
        Ask ask;
        std::size_t next = 0;
    };
    struct OpenGet {
        Get get;
        bool cancelled = false;
    };
    void answer(OpenAsk& open);
    void forget_first_ask();
    void answer(const OpenGet& open);
    void tell_news();
    Told told_of(const OfferedFile& entry) const;
    Result<void> read(const Get& get, const OfferedFile* entry, std::span<char> payload);
    bool lent(const Digest& digest);
    std::deque<OpenGet>& line_of(const Get& get);
    void send(Bytes bytes);

    Wire& wire_;
    OfferedFiles& offered_;
    const Lending& lending_;
    Rights rights_;
    ByteCount room_;
    std::deque<OpenAsk> asks_;
    std::size_t digests_waiting_ = 0;  // in them
    Budget::Share waiting_, all_standing_;
    std::deque<OpenGet> small_gets_, gets_;
    std::unordered_map<Digest, TimePoint> standing_;  // asked for, not here then; until when news of it is wanted
    std::deque<Digest> news_;
    std::uint64_t uncancelled_ = 0;  // gets taken, less cancels: a peer cancels a get at most once
    ByteCount queued_ = 0;           // at most this much is queued on the wire
    ByteCount sent_ = 0;
    Allowance asking_{limits::ask_burst, limits::asks_per_second};
};

}  // namespace packswarm::swarm
