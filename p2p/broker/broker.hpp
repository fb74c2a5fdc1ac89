// Broker: the conductor. Takes requests from the doors, says which desk answers each, and ties the desks together
// (desks/). Not here: what the desks do, choosing sources (plan/plan.hpp), trust (index_book.hpp, ports). Loop's
// thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "p2p/base/lifetime.hpp"
#include "p2p/broker/desks/artifact_desk.hpp"
#include "p2p/broker/desks/askers.hpp"
#include "p2p/broker/desks/crowd_ear.hpp"
#include "p2p/broker/desks/graveyard.hpp"
#include "p2p/broker/desks/holding.hpp"
#include "p2p/broker/desks/live_transfers.hpp"
#include "p2p/broker/desks/parcel_desk.hpp"
#include "p2p/broker/desks/plain_desk.hpp"
#include "p2p/broker/desks/publishing.hpp"
#include "p2p/broker/desks/request_reader.hpp"
#include "p2p/broker/desks/root_desk.hpp"
#include "p2p/broker/desks/root_errands.hpp"
#include "p2p/broker/desks/root_news.hpp"
#include "p2p/broker/desks/stored_desk.hpp"
#include "p2p/broker/index_book.hpp"
#include "p2p/broker/missing_indexes.hpp"
#include "p2p/broker/prefetch.hpp"
#include "p2p/broker/proofs.hpp"
#include "p2p/broker/requests.hpp"
#include "p2p/broker/signature_desk.hpp"
#include "p2p/broker/transfer/remains.hpp"

namespace packswarm::broker {

struct BrokerSettings {
    Millis peer_grace{1500};  // how long a request that no mirror answers waits for peers to speak up
    bool asks_strangers = true;
    core::Formats formats{};      // by which the name of a file is understood that stands in no repository
    MemorySum* memory = nullptr;  // where indexes and bytes on their way count; null: by their own bounds alone
};

class Broker final : public Requests {
  public:
    Broker(Loop& loop, Mirrors& mirrors, Peers& peers, Store& store, Ledger& ledger, Trust& trust,
           BrokerSettings settings = {});
    ~Broker() override;

    IndexBook& book() { return book_; }
    const SourceBook& sources() const { return sources_; }
    const plan::Board& board() const { return board_; }
    std::vector<LiveTransfer> live() const { return transfers_.rows(); }
    Counters counters() const { return askers_.counters(); }
    // Publishes a file whose digest was checked (an import, a share) under what the indexes say of it.
    void publish(VerifiedFile file, const std::string& name, std::optional<WallTime> modified, Then<StoredFile> then) {
        publishing_.publish(std::move(file), name, modified, std::move(then));
    }
    // The repository's database came to its package manager from here.
    void database_given(const core::RepositoryId& repository) { errands_.looks().told(repository); }
    Prefetch& prefetch() { return prefetch_; }  // of a transaction that runs
    Prefetch& upgrades() { return upgrades_; }  // of upgrades that nobody has asked for yet
    MissingIndexes& missing() { return missing_; }
    ParcelDesk& parcels() { return parcels_; }
    Proofs& proofs() { return proofs_; }
    PeerObserver& ear() { return ear_; }   // what peers tell
    void set_scrub(ByteCount per_second);  // bytes of the store that are hashed while nobody wants anything; 0: none
    void forget_absences() { context_.absences.clear(); }  // the sources are others, or were read anew
    // Told of every package that somebody waits for, as the index lists it; from the loop, where asking for more is
    // fine.
    using Asked = std::function<void(const core::CatalogHit&)>;
    void set_asked(Asked asked) { asked_for_ = std::move(asked); }
    bool is_awaited() const { return askers_.is_awaited(); }  // somebody waits for anything
    // Fetches and verifies a repository's root now.
    void refresh(const core::RepositoryId& repository, Then<RootAnswer> then) {
        errands_.refresh(repository, std::move(then));
    }

    RequestId get(Request request, RequestEvents events) override;
    void cancel(RequestId request) override;
    core::PackageSignatures package_signatures(core::Format format, const core::GatewayFile& at) const override;
    TimePoint last_sign() const override {
        const bool is_proving = publishing_.is_vouching() || proofs_.is_awaited();
        return is_proving ? context_.loop.now() : board_.last_sign(context_.loop.now());
    }
    std::optional<std::string> gateway_address(core::Format format, const core::GatewayFile& at,
                                               const std::string& path) const override;

  private:
    void dispatch(RequestId id);  // this and what follows: serve.cpp
    void serve(RequestId id, const Meaning& meaning);
    void serve_stored(RequestId id);
    bool serve_signature(RequestId id, const Meaning& meaning);
    void deliver_signature(RequestId id, const PackageSignature& signature, const char* reason);
    bool look_first(RequestId id, const Meaning& meaning);
    bool looks_again(RequestId id, const Digest& digest, const std::optional<Error>& error);
    bool ask_by_its_own_name(RequestId id, const Error& error);

    // What all work with.
    plan::Board board_;
    SourceBook sources_;
    Proofs proofs_;
    TransferContext context_;
    IndexBook book_;
    MissingIndexes missing_;
    Prefetch prefetch_, upgrades_;
    Asked asked_for_;
    Askers askers_;
    Graveyard graveyard_;
    Holding holding_;
    RequestReader reader_;
    RootErrands errands_;
    RootNews news_;
    SignatureDesk signatures_;
    Remains remains_;
    Publishing publishing_;
    PeerQuestions questions_;
    LiveTransfers transfers_;
    CrowdEar ear_;
    // The ways of a request.
    StoredDesk stored_;
    ArtifactDesk artifacts_;
    RootDesk roots_;
    PlainDesk plain_;
    ParcelDesk parcels_;
    Lifetime lifetime_;
};

}  // namespace packswarm::broker
