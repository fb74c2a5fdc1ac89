// Publishing: the way of verified files into the store, and what may be shared of them. A package of an index that
// nobody signed is shared only when its own signature is good. Meanwhile its bytes are at hand here. Not here: hashing,
// signatures (ports/trust.hpp), what is on the peers' shelf (index_book.hpp). Loop's thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <unordered_map>

#include "p2p/base/lifetime.hpp"
#include "p2p/broker/index_book.hpp"
#include "p2p/broker/signature_desk.hpp"
#include "p2p/broker/transfer/remains.hpp"
#include "p2p/broker/transfer/transfer_context.hpp"

namespace packswarm::broker {

class Publishing {
  public:
    struct Fresh {  // verified, on its way into the store
        SharedBytes bytes;
        ByteCount size = 0;
        std::optional<WallTime> modified;
    };
    Publishing(TransferContext& context, IndexBook& book, Proofs& proofs, SignatureDesk& signatures, Remains& remains)
        : context_(context), book_(book), proofs_(proofs), signatures_(signatures), remains_(remains) {}
    Publishing(const Publishing&) = delete;
    Publishing& operator=(const Publishing&) = delete;

    // Whether the file may be shared: told at once, unless its own signature has to be looked for. An error is that
    // signature's; Corrupt: it is another package's.
    void judge(const VerifiedFile& file, Then<bool> may_share);
    // Three steps of a file that a transfer has brought: it may be delivered; it has been; it goes into the store.
    SharedBytes begin(const VerifiedFile& file, std::optional<WallTime> modified);
    void delivered(const Digest& digest) { signatures_.package_here(digest); }
    void keep(const VerifiedFile& file, ArtifactRecord record);
    // A file whose digest was checked (an import, a share), under what the indexes say of it. What its own signature
    // has to vouch for first is kept at once, and shared when it has.
    void publish(VerifiedFile file, const std::string& name, std::optional<WallTime> modified, Then<StoredFile> then);

    const Fresh* fresh(const Digest& digest) const;  // null: it is stored, or was never here
    // Of what is here and has the right digest, whether it may be delivered already or not. Null: what is kept from
    // before is hashed first, for the signature desk.
    SharedBytes bytes_of(const Digest& digest);
    bool is_vouching() const { return !vouching_.empty(); }

  private:
    std::optional<core::CatalogHit> only_hinted(const Digest& digest) const;
    bool demands_proof(const core::CatalogHit& hit) const;
    void vouch(const core::CatalogHit& hit, const VerifiedFile& file, Then<void> then);
    void publish_as(VerifiedFile file, ArtifactRecord record, Then<StoredFile> then);
    void now_stored(const StoredFile& file);

    TransferContext& context_;
    IndexBook& book_;
    Proofs& proofs_;
    SignatureDesk& signatures_;
    Remains& remains_;
    std::unordered_map<Digest, Fresh> fresh_;
    std::unordered_map<Digest, SharedBytes> vouching_;  // of an unsigned database: its own signature is looked for
    Lifetime lifetime_;
};

}  // namespace packswarm::broker
