// Askers: who waits for an answer, and what each is told: that its file has begun, how far it is, that it is here, or
// that it cannot be had; with the line of each in the ledger. Whoever is told may cancel or ask anew, so each call
// looks the request up, and one that is gone is told nothing. Not here: what is done for them (broker.hpp). Loop's
// thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "p2p/base/lifetime.hpp"
#include "p2p/base/loop.hpp"
#include "p2p/broker/manners.hpp"
#include "p2p/broker/ports/ledger.hpp"
#include "p2p/broker/requests.hpp"
#include "p2p/plan/board.hpp"

namespace packswarm::broker {

struct Counters {
    std::uint64_t open = 0, done = 0, failed = 0;
};

struct InVain {  // the one that the index listed when it was asked for
    Digest digest;
    Error error;
};

struct Asker {
    Request request;
    RequestEvents events;
    TimePoint started{};
    WallTime wall{};
    bool told = false;  // that its file has begun
    // What was tried for it.
    bool asks_by_its_own_name = false;
    bool waited_for_proof = false;
    std::optional<InVain> in_vain{};
};

class Askers {
  public:
    // Whether something else can be tried for it; true: it has begun, and the error is not told.
    using OtherWay = std::function<bool(RequestId, const Error&)>;
    Askers(Loop& loop, Ledger& ledger, plan::Board& board, OtherWay other_way)
        : loop_(loop), ledger_(ledger), board_(board), other_way_(std::move(other_way)) {}
    Askers(const Askers&) = delete;
    Askers& operator=(const Askers&) = delete;

    RequestId add(Request request, RequestEvents events);
    std::optional<Asker> take(RequestId id);  // it has left: nothing is told, nothing recorded
    Asker* find(RequestId id);                // null: it has its answer, or has left
    const Asker* find(RequestId id) const { return const_cast<Askers*>(this)->find(id); }
    Asker& at(RequestId id) { return requests_.at(id); }
    const Asker& at(RequestId id) const { return requests_.at(id); }

    bool is_empty() const { return requests_.empty(); }
    bool is_awaited() const;               // somebody waits for anything
    bool is_prefetch(RequestId id) const;  // it is here, and nobody waits for it yet
    bool is_streaming(RequestId id) const;
    bool has_too_many(const std::string& user) const;
    bool has_other_way(RequestId id) const { return manners_of(at(id).request.asker).has_other_way; }
    Counters counters() const { return {requests_.size(), done_, failed_}; }

    void tell_started(RequestId id, const Started& started);  // once
    void tell_started(RequestId id, const StagedFile& file, std::optional<WallTime> modified,
                      std::optional<Part> part = {});
    void tell_progress(RequestId id, const Progress& progress);
    // The end of a request, one of these.
    void deliver(RequestId id, Delivered delivered, const std::vector<std::string>& reasons);
    void say_not_modified(RequestId id, const SourceShare& from);
    void fail(RequestId id, const Error& error, const std::vector<std::string>& reasons,
              std::vector<SourceShare> lost = {});
    void leave_to_asker(RequestId id);  // no failure of anybody's: it is neither logged nor kept in the ledger

    // Calls tell for each: for the first at once, and true; for the others one after the other from the loop.
    void in_turn(std::vector<RequestId> askers, std::function<void(RequestId, bool)> tell);
    // The last who wanted it has left: what it brought, and what is not kept for the next who asks, is counted all the
    // same.
    void write_off(const Asker& asker, const Digest& digest, ByteCount size, std::vector<SourceShare> lost,
                   const std::vector<std::string>& reasons);

  private:
    void record(const Asker& asker, const std::string& outcome, const std::optional<Digest>& digest, ByteCount size,
                std::vector<SourceShare> sources, const std::vector<std::string>& reasons);

    Loop& loop_;
    Ledger& ledger_;
    plan::Board& board_;
    const OtherWay other_way_;
    std::map<RequestId, Asker> requests_;
    std::uint64_t next_ = 1, done_ = 0, failed_ = 0;
    Lifetime lifetime_;
};

}  // namespace packswarm::broker
