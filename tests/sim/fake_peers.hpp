// Peers for broker tests: agents in one loop, joined by a network with uplinks, downlinks and latency. An agent is a
// broker's (honest) or nobody's: then it lies in a chosen way. What honest agents name to others is kept for the test
// to judge. Torrents (fake_joins.cpp) take whole pieces over the same lines and check them against the hints. Not here:
// encryption, audiences.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "p2p/broker/ports/answers.hpp"
#include "p2p/broker/ports/peers.hpp"

namespace packswarm::test {

struct Line {
    double up = 2.5e6, down = 12.5e6;  // bytes per second
    Millis latency{10};                // from this agent to the middle of the network
    broker::Reach reach = broker::Reach::wan;
};

enum class Lie {
    none,
    garbage_offers,
    garbage_loans,
    some_garbage,
    wrong_hashes,
    wrong_sizes,
    silence,
    absence,
    drip,
    seeks_only,
    vanishes,
    floods,
    last = floods
};
const char* to_string(Lie lie);

// What there is in the world, by digest: liars claim to have it, honest agents read their stored files here.
struct World {
    struct Artifact {
        std::string content;
        PieceHashes pieces;
    };
    std::map<Digest, Artifact> artifacts;
};

class FakePeers final : public broker::Peers {
  public:
    FakePeers(Loop& loop, const World& world, unsigned number, Line line, Lie lie = Lie::none)
        : loop_(loop),
          world_(world),
          id_(broker::PeerId{number}),
          line_(line),
          lie_(lie),
          up_free_(loop.now()),
          down_free_(loop.now()) {}

    std::set<Digest> asked, offered, lent;  // named to anybody, ever
    std::set<core::Lineage> lineages;       // likewise
    std::map<broker::PeerId, int> blamed;
    std::map<broker::PeerId, std::size_t> most_gets;  // open at once, those of torrents aside
    ByteCount sent = 0;
    int second_hand = 0;  // pieces lent that nobody but peers gave
    // An honest agent's bytes, as it stored them; and whether mirrors gave it that range of a file.
    std::function<std::optional<StoredFile>(const Digest&)> stored;
    std::function<bool(const Digest&, ByteRange)> is_first_hand;
    std::size_t open_gets() const { return gets_.size(); }
    Lie lie() const { return lie_; }
    void leave_everybody();
    bool away = false;  // meets nobody any more

    void meet(FakePeers& other);
    void part(broker::PeerId other);

    void set_observer(broker::PeerObserver* observer) override { observer_ = observer; }
    void set_lineages(std::vector<broker::LineageState> lineages) override {
        lineages_.clear();
        for (const auto& state : lineages) lineages_.insert(state.lineage);
        this->lineages.insert(lineages_.begin(), lineages_.end());
    }
    plan::AgentKey key() const override { return static_cast<plan::AgentKey>(id_) * 0x9e3779b97f4a7c15ULL; }
    std::vector<broker::PeerView> view() const override;
    broker::Company company(const core::Lineage&) const override { return {view().size(), 0, true}; }

    void ask(const core::Lineage& lineage, std::vector<Digest> digests, core::Audience whom) override;
    broker::FetchId get(broker::PeerId peer, const Digest& digest, ByteRange range, broker::GetEvents events) override;
    void cancel(broker::FetchId fetch) override;

    broker::JoinId join(broker::Join, broker::JoinEvents events) override;
    void add_peer(broker::JoinId join, broker::PeerId peer) override;
    void claim(broker::JoinId join, std::size_t first, std::size_t count) override;
    void unclaim(broker::JoinId join, std::size_t first, std::size_t count) override;
    void feed(broker::JoinId join, std::size_t piece, Bytes bytes) override;
    void leave(broker::JoinId join, Task left) override;

    void lend(const Digest& digest, const StagedFile& file, const core::Lineage& lineage) override;
    void lend_piece(const Digest& digest, std::size_t piece) override;
    void end_loan(const Digest& digest, Outcome outcome) override;
    void blame(broker::PeerId peer, broker::Blame) override;
    void offer(const core::Lineage& lineage, std::vector<StoredMark> files) override;
    void give_to(core::Audience audience, ByteCount) override { audience_ = audience; }
    broker::Giving giving() const override { return {sent, 0, 0}; }
    void withdraw(std::vector<Digest> digests) override {
        for (const auto& digest : digests) shelf_.erase(digest);
    }

  private:
    struct Get {
        broker::PeerId peer{};
        ByteCount next = 0, end = 0;
        std::shared_ptr<broker::GetEvents> events;
        TimePoint heard{};
        bool of_torrent = false;
    };
    struct Joined {
        broker::Join join;
        broker::JoinEvents events;
        std::vector<bool> have, claimed;
        std::map<std::size_t, broker::FetchId> asked;  // pieces under way
        std::set<broker::PeerId> out;                  // gave wrong pieces or none
    };
    struct Open {  // a get of somebody else
        broker::PeerId from{};
        broker::FetchId fetch{};
        Digest digest;
        ByteCount next = 0, end = 0;
    };
    struct Loan {
        StagedFile file;
        core::Lineage lineage;
        std::vector<bool> pieces;
    };

    broker::PeerView view_of() const;
    static TimePoint::duration time_for(ByteCount bytes, double rate) {
        return std::chrono::duration_cast<TimePoint::duration>(
            std::chrono::duration<double>(static_cast<double>(bytes) / rate));
    }
    static Millis up_to(TimePoint::duration time) {
        return std::chrono::ceil<Millis>(std::max(time, TimePoint::duration::zero()));
    }

    void send(FakePeers& to, ByteCount bytes, Task arrival);
    void drop(broker::PeerId peer);
    void finish(broker::FetchId fetch, Result<void> result) {
        const auto get = gets_.extract(fetch);
        if (get) get.mapped().events->done(std::move(result));
    }
    // A peer that owes an answer and says nothing for so long is dropped.
    void watch(broker::FetchId fetch);

    // ---- What others ask of us

    broker::FetchId open_get(broker::PeerId peer, const Digest& digest, ByteRange range, broker::GetEvents events,
                             bool of_torrent);
    void pull(broker::JoinId id);
    void ask_piece(broker::JoinId id, std::size_t piece, broker::PeerId peer);
    void piece_came(broker::JoinId id, std::size_t piece, broker::PeerId peer, const Bytes& bytes, bool whole);

    void seek_everything(FakePeers& victim);
    void flood(FakePeers& victim, int times);

    void take_ask(broker::PeerId from, const core::Lineage& lineage, const std::vector<Digest>& digests);
    void news(const Digest& digest) {
        const auto standing = standing_.find(digest);
        if (standing == standing_.end()) return;
        for (const auto peer : std::set(standing->second))
            if (links_.count(peer) != 0) tell(peer, digest);
    }
    void tell(broker::PeerId peer, const Digest& digest);

    void take_get(Open open);
    // One block at a time, in turns, while the line is free.
    void pump();
    std::optional<Bytes> read(const Digest& digest, ByteCount offset, ByteCount length);
    void take_data(broker::PeerId from, broker::FetchId fetch, ByteCount offset, const std::optional<Bytes>& bytes);

    Loop& loop_;
    const World& world_;
    const broker::PeerId id_;
    const Line line_;
    const Lie lie_;
    broker::PeerObserver* observer_ = nullptr;
    std::set<core::Lineage> lineages_;
    std::map<broker::PeerId, FakePeers*> links_;
    std::set<broker::PeerId> banned_;
    std::map<broker::FetchId, Get> gets_;
    std::map<broker::JoinId, Joined> joins_;
    std::set<Digest> shelf_;
    std::map<Digest, Loan> loans_;
    std::map<Digest, std::set<broker::PeerId>> standing_;
    std::map<broker::PeerId, TimePoint> heard_;
    std::deque<Open> open_;
    core::Audience audience_{};
    bool is_sending_ = false;
    int blocks_ = 0;
    TimePoint up_free_, down_free_;
    std::uint64_t last_ = 0;
};

}  // namespace packswarm::test
