// Broker: the conductor. Takes requests from the doors, keeps one live transfer per digest, asks plan::decide what to
// do next and has it done, delivers, publishes, offers. Not here: choosing sources (plan/plan.hpp), trust
// (index_book.hpp, ports).
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "p2p/base/lifetime.hpp"
#include "p2p/broker/ahead.hpp"
#include "p2p/broker/desks/askers.hpp"
#include "p2p/broker/desks/graveyard.hpp"
#include "p2p/broker/desks/holding.hpp"
#include "p2p/broker/desks/plain_desk.hpp"
#include "p2p/broker/desks/request_reader.hpp"
#include "p2p/broker/desks/root_desk.hpp"
#include "p2p/broker/desks/root_errands.hpp"
#include "p2p/broker/index_book.hpp"
#include "p2p/broker/missing_indexes.hpp"
#include "p2p/broker/proofs.hpp"
#include "p2p/broker/requests.hpp"
#include "p2p/broker/signature_desk.hpp"
#include "p2p/broker/transfer/remains.hpp"
#include "p2p/broker/transfer/transfer.hpp"

namespace packswarm::broker {

struct BrokerSettings {
    Millis peer_grace{1500};  // how long a request that no mirror answers waits for peers to speak up
    bool asks_strangers = true;
    core::Formats formats{};      // by which the name of a file is understood that stands in no repository
    MemorySum* memory = nullptr;  // where indexes and bytes on their way count; null: by their own bounds alone
};

struct LiveTransfer {  // for status
    std::string name, asker;
    std::optional<Digest> digest{};
    ByteCount size = 0, received = 0;
    double seconds = 0;
    std::vector<SourceShare> sources;
};

class Broker final : public Requests, public PeerObserver {
  public:
    Broker(Loop& loop, Mirrors& mirrors, Peers& peers, Store& store, Ledger& ledger, Trust& trust,
           BrokerSettings settings = {});
    ~Broker() override;

    IndexBook& book() { return book_; }
    const SourceBook& sources() const { return sources_; }
    const plan::Board& board() const { return board_; }
    std::vector<LiveTransfer> live() const;
    Counters counters() const { return askers_.counters(); }
    // Publishes a file whose digest was checked (an import, a share) under what the indexes say of it.
    void publish(VerifiedFile file, const std::string& name, std::optional<WallTime> modified, Then<StoredFile> then);
    // The repository's database came to its package manager from here.
    void database_given(const std::string& repository) { errands_.looks().told(repository); }
    Ahead& ahead() { return ahead_; }
    MissingIndexes& missing() { return missing_; }
    Proofs& proofs() { return proofs_; }
    void set_scrub(ByteCount per_second);  // bytes of the store that are hashed while nobody wants anything; 0: none
    void forget_absences() { engine_.absences.clear(); }  // the sources are others, or were read anew
    // Told of every package that somebody waits for, as the index lists it; from the loop, where asking for more is
    // fine.
    using Asked = std::function<void(const core::CatalogHit&)>;
    void set_asked(Asked asked) { asked_for_ = std::move(asked); }
    bool is_awaited() const { return askers_.is_awaited(); }  // somebody waits for anything
    // Fetches and verifies a repository's root now.
    void refresh(const std::string& repository, Then<RootAnswer> then) {
        errands_.refresh(repository, std::move(then));
    }

    RequestId get(Request request, RequestEvents events) override;
    void cancel(RequestId request) override;
    core::PackageSignatures package_signatures(core::Format format, const core::GatewayFile& at) const override;
    TimePoint last_sign() const override {
        return vouching_.empty() && !proofs_.is_awaited() ? board_.last_sign(loop_.now()) : loop_.now();
    }
    std::optional<std::string> gateway_address(core::Format format, const core::GatewayFile& at,
                                               const std::string& path) const override;

    void peer_up(const PeerView& peer) override;
    void peer_down(PeerId peer) override;
    void peer_offers(std::vector<PeerOffer> offers) override;
    void peer_lends(const PeerLoan& loan) override;
    void peer_seeks(PeerId peer, const std::vector<Digest>& digests) override;
    void peer_snapshot(const PeerSnapshot& snapshot) override;

  private:
    struct Live {
        std::unique_ptr<Transfer> transfer;
        std::vector<RequestId> askers;
        std::set<plan::SourceId> holders;  // peers that told or lent it
    };
    struct Fresh {  // verified, on its way into the store
        SharedBytes bytes;
        ByteCount size = 0;
        std::optional<WallTime> modified;
    };

    void dispatch(RequestId id);
    void serve(RequestId id, const Meaning& meaning);
    bool serve_stored(RequestId id, const Digest& digest);
    bool serve_kept(RequestId id, const Digest& digest);
    void proof_ended(RequestId id, const Digest& digest);
    void prove_for_peers(const Digest& digest);
    bool is_known_to_be_gone(RequestId id, const Target& target);
    bool serve_signature(RequestId id, const Meaning& meaning);
    void deliver_signature(RequestId id, const PackageSignature& signature, const char* reason);
    bool look_first(RequestId id, const Meaning& meaning);
    void look_again(const Transfer& transfer, std::vector<RequestId>& askers, const std::optional<Error>& error);
    bool ask_by_its_own_name(RequestId id, const Error& error);
    void serve_artifact(RequestId id, const Meaning& meaning);

    void verified(plan::WantId want, VerifiedFile file);
    std::optional<core::CatalogHit> only_hinted(const Digest& digest) const;
    bool demands_proof(const core::CatalogHit& hit) const;
    void vouch(const core::CatalogHit& hit, const VerifiedFile& file, Then<void> then);
    void now_stored(const StoredFile& file);
    void finish_transfer(plan::WantId want, const VerifiedFile& file, bool may_share);
    void transfer_failed(plan::WantId want, const Error& error);
    void publish_as(VerifiedFile file, ArtifactRecord record, Then<StoredFile> then);
    void note_holder(plan::WantId want, plan::SourceId peer);
    void weigh_need(Live& live);
    void keep_remains(Transfer& transfer);  // this and the next three: unfinished.cpp
    void take_up_remains();
    void expire_remains_later();
    void leave_remains();
    std::unique_ptr<Transfer> take_out(plan::WantId want, std::vector<RequestId>& askers);

    SharedBytes bytes_of(const Digest& digest);
    void replan_soon();
    void replan();
    void ask_soon(const Transfer& transfer);
    void ask_again();
    void join_crowd(plan::WantId want, Transfer& transfer);
    void note_missed(plan::WantId want);
    void tick();
    void arm_tick();

    Loop& loop_;
    Mirrors& mirrors_;
    Peers& peers_;
    Store& store_;
    Ledger& ledger_;
    Trust& trust_;
    BrokerSettings settings_;
    plan::Board board_;
    SourceBook sources_;
    Proofs proofs_;
    Engine engine_;
    IndexBook book_;
    MissingIndexes missing_;
    Ahead ahead_;
    Asked asked_for_;
    Askers askers_;
    Graveyard graveyard_;
    Holding holding_;
    RequestReader reader_;
    RootErrands errands_;
    std::map<plan::WantId, Live> live_;
    std::unordered_map<Digest, plan::WantId> by_digest_;
    std::unordered_map<Digest, Fresh> fresh_;
    std::unordered_map<Digest, SharedBytes> vouching_;  // of an unsigned database: its own signature is looked for
    SignatureDesk signatures_;
    Remains remains_;
    RootDesk roots_;
    PlainDesk plain_;
    std::map<std::pair<std::string, core::Audience>, std::vector<Digest>> to_ask_;  // by lineage, and whom
    struct Seek {
        plan::SourceId peer{};
        TimePoint asked{};
    };
    std::unordered_map<Digest, std::vector<Seek>> seeks_;  // of the last seconds, for what we may want next
    TimePoint asked_{};
    TimePoint ticked_{};
    TimerId tick_timer_ = TimerId::none;
    bool replan_due_ = false, ask_due_ = false;
    std::uint64_t next_want_ = 1;
    Lifetime lifetime_;
};

}  // namespace packswarm::broker
