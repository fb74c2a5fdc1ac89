// TrustDesk: fills broker::Trust with the rooms verify and formats on the worker pool. The only place where they meet.
// Loop's thread; every answer comes later, on the loop.
#pragma once

#include <map>
#include <memory>

#include "p2p/base/lifetime.hpp"
#include "p2p/base/loop.hpp"
#include "p2p/broker/ports/trust.hpp"
#include "verify/file_prover.hpp"
#include "verify/file_verifier.hpp"
#include "verify/keyring.hpp"

namespace packswarm::daemon {

class TrustDesk final : public broker::Trust {
  public:
    explicit TrustDesk(Workers& workers) : workers_(workers), keyrings_(std::make_shared<verify::Keyrings>()) {}

    broker::CheckId begin_check(StagedFile file, const Digest& expected) override;
    void advance(broker::CheckId check, ByteCount prefix) override;
    void rewind(broker::CheckId check) override;
    void finish(broker::CheckId check, broker::Then<VerifiedFile> then) override;
    void drop(broker::CheckId check) override;
    broker::CheckId begin_proof(KeptFile file, PieceHashes pieces) override;
    void go_on(broker::CheckId proof, ByteCount bytes, broker::Then<broker::ProofStep> then) override;
    void digest_of(StagedFile file, broker::Then<Digest> then) override;
    void piece_hashes(StagedFile file, ByteRange range, ByteCount piece_length,
                      broker::Then<PieceHashes> then) override;
    void piece_hashes(StoredFile file, ByteCount piece_length, broker::Then<PieceHashes> then) override;
    void open_root(broker::RootFiles files, broker::Then<broker::OpenedRoot> then) override;
    void keyring_fingerprints(core::KeyringSpec keyring, broker::Then<std::vector<core::Fingerprint>> then) override;
    void open_packages(StoredFile file, core::Format format, std::string path,
                       broker::Then<std::shared_ptr<const core::CatalogSheet>> then) override;
    void open_list(FileHandle file, core::Format format, core::IndexEntry plain,
                   broker::Then<std::shared_ptr<const core::CatalogSheet>> then) override;
    void check_package(broker::SharedBytes package, Bytes signature, const core::Repository& repository,
                       core::IndexEntry entry, broker::Then<void> then) override;

  private:
    // One verifier is lent to one worker at a time; what is asked meanwhile waits here.
    struct Check {
        std::shared_ptr<verify::FileVerifier> verifier;
        ByteCount wanted = 0;
        bool running = false, rewind = false;
        broker::Then<VerifiedFile> then;
    };
    void pump(broker::CheckId id);
    void run_finish(broker::CheckId id);

    Workers& workers_;
    std::shared_ptr<verify::Keyrings> keyrings_;
    std::map<broker::CheckId, Check> checks_;
    std::map<broker::CheckId, std::shared_ptr<verify::FileProver>> proofs_;
    std::uint64_t last_check_ = 0;
    Lifetime lifetime_;
};

}  // namespace packswarm::daemon
