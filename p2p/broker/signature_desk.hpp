// SignatureDesk: detached signatures of pacman packages whose database does not carry them: from the ledger, from
// mirrors, and when those do not answer from peers. What a mirror gives is handed through as it is; what a peer gives
// is used only once it was found good for the package, and what was found good is kept beside the package and given to
// peers. Not here: what good is (ports/trust.hpp). Loop's thread. Errors: the mirrors' own when no peer helps; Corrupt,
// Refused: the package and its signature do not agree.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "p2p/base/lifetime.hpp"
#include "p2p/broker/index_book.hpp"
#include "p2p/broker/plain_fetch.hpp"

namespace packswarm::broker {

struct PackageSignature {
    Bytes bytes;
    SourceShare from;
};

class SignatureDesk {
  public:
    struct Packages {
        std::function<SharedBytes(const Digest&)> find;  // once it is here and its digest is right; else null
        std::function<bool(const Digest&)> is_coming;
    };

    // grace: the time that peers have to speak up.
    SignatureDesk(TransferContext& context, IndexBook& book, Millis grace, Packages packages)
        : context_(context), book_(book), grace_(grace), packages_(std::move(packages)) {}
    SignatureDesk(const SignatureDesk&) = delete;
    SignatureDesk& operator=(const SignatureDesk&) = delete;

    // For who asks for it by name. mirrors: addresses of the signature, best first.
    void get(const core::CatalogHit& hit, std::vector<MirrorAddress> mirrors, Then<PackageSignature> then);
    // The package is here, and its index vouches for nothing: its signature has to be good for it.
    void vouch(const core::CatalogHit& hit, Then<void> then);

    void offered(const PeerOffer& offer);
    void package_here(const Digest& digest) { check(digest); }
    void package_stored(const Digest& digest);

  private:
    struct Quest {
        core::CatalogHit hit;
        std::vector<Then<PackageSignature>> askers;
        std::vector<Then<void>> vouchers;
        std::unique_ptr<PlainFetch> mirrors;
        std::optional<Error> mirrors_failed;
        std::optional<TimePoint> peers_asked;  // first
        std::deque<PeerOffer> tellers;         // not tried yet
        std::set<PeerId> tried;
        FetchId get = FetchId::none;
        Bytes candidate;  // to be checked when the package is here
        SourceShare from;
        PeerId giver = PeerId::none;  // of the candidate; none: a mirror
        bool is_checking = false;
        bool is_idle() const { return askers.empty() && vouchers.empty() && !is_checking; }  // nobody waits for its end
    };
    Bytes known_of(const Digest& digest) const;
    Quest* find(const Digest& digest);
    Quest& begin(const core::CatalogHit& hit, std::vector<MirrorAddress> mirrors);
    void mirrors_answered(const Digest& digest, Result<PlainAnswer> answer);
    bool may_lack_it(const core::CatalogHit& hit) const;
    void ask_peers(const Digest& digest);
    void ask_on(const Digest& digest);
    void ask_for(const core::Lineage& lineage, const Digest& digest);
    bool is_over(const Digest& digest);  // gone, or nobody waits, or it has just failed since nobody is left to ask
    void next_teller(const Digest& digest);
    void peer_answered(const PeerOffer& offer, Result<Bytes> signature);
    void check(const Digest& digest);
    void checked(const Digest& digest, const Result<void>& good);
    void keep(const Digest& digest, const Bytes& signature);
    void end(const Digest& digest, const Error& error);

    TransferContext& context_;
    IndexBook& book_;
    const Millis grace_;
    const Packages packages_;
    std::map<Digest, Quest> quests_;
    std::map<Digest, Bytes> good_;  // of what is not stored yet
    Lifetime lifetime_;
};

}  // namespace packswarm::broker
