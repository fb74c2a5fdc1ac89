#include "p2p/daemon/trust.hpp"

#include <malloc.h>

#include "formats/index_root.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/base/loop.hpp"
#include "p2p/core/bundle.hpp"
#include "verify/hasher.hpp"

namespace packswarm::daemon {

using broker::CheckId;

CheckId TrustDesk::begin_check(StagedFile file, const Digest& expected) {
    const auto id = CheckId{++last_check_};
    checks_[id].verifier = std::make_shared<verify::FileVerifier>(std::move(file), expected);
    return id;
}

void TrustDesk::advance(CheckId check, ByteCount prefix) {
    const auto at = checks_.find(check);
    if (at == checks_.end()) return;
    at->second.wanted = prefix;
    pump(check);
}

void TrustDesk::rewind(CheckId check) {
    const auto at = checks_.find(check);
    if (at == checks_.end()) return;
    at->second.wanted = 0;
    at->second.rewind = true;
}

void TrustDesk::finish(CheckId check, broker::Then<VerifiedFile> then) {
    const auto at = checks_.find(check);
    if (at == checks_.end()) return;
    at->second.then = std::move(then);
    pump(check);
}

void TrustDesk::drop(CheckId check) {
    checks_.erase(check);
    proofs_.erase(check);
}

CheckId TrustDesk::begin_proof(KeptFile file, PieceHashes pieces) {
    const auto id = CheckId{++last_check_};
    proofs_[id] = std::make_shared<verify::FileProver>(std::move(file), std::move(pieces));
    return id;
}

void TrustDesk::go_on(CheckId id, ByteCount bytes, broker::Then<broker::ProofStep> then) {
    const auto at = proofs_.find(id);
    if (at == proofs_.end()) return;
    workers_.run([this, alive = lifetime_.view(), id, bytes, prover = at->second, then = std::move(then)]() -> Task {
        auto hashed = prover->go_on(bytes);
        auto step = std::make_shared<Result<broker::ProofStep>>(broker::ProofStep{prover->checked()});
        if (!hashed) {
            *step = tl::unexpected(hashed.error());
        } else if (prover->is_complete()) {
            auto proven = prover->finish();
            if (proven)
                (*step)->proven = std::move(*proven);
            else
                *step = tl::unexpected(proven.error());
        }
        return [this, alive, id, step, then] {
            if (!alive || proofs_.count(id) == 0) return;
            if (!*step || (*step)->proven) proofs_.erase(id);
            then(std::move(*step));
        };
    });
}

void TrustDesk::pump(CheckId id) {
    auto& check = checks_.at(id);
    if (check.running) return;
    check.running = true;
    if (check.then) return run_finish(id);
    workers_.run([this, alive = lifetime_.view(), id, verifier = check.verifier, prefix = check.wanted,
                  again = check.rewind]() -> Task {
        if (again) verifier->rewind();
        const auto hashed = verifier->absorb(prefix);
        const bool good = hashed.has_value();
        return [this, alive, id, good, prefix] {
            const auto at = checks_.find(id);
            if (!alive || at == checks_.end()) return;
            at->second.running = false;
            if (!good) at->second.rewind = true;  // finish() will read again and tell the error
            if (at->second.then || at->second.wanted > prefix) pump(id);
        };
    });
    check.rewind = false;
}

void TrustDesk::run_finish(CheckId id) {
    auto& check = checks_.at(id);
    workers_.run([this, alive = lifetime_.view(), id, verifier = check.verifier, again = check.rewind]() -> Task {
        if (again) verifier->rewind();
        auto result = std::make_shared<Result<VerifiedFile>>(verifier->finish());
        return [this, alive, id, result] {
            const auto at = checks_.find(id);
            if (!alive || at == checks_.end()) return;
            const auto then = std::move(at->second.then);
            checks_.erase(at);
            then(std::move(*result));
        };
    });
}

namespace {

// Runs work on a worker and hands its Result to then on the loop.
template <class T, class Work>
void ask(Workers& workers, Work work, broker::Then<T> then) {
    workers.run([work = std::move(work), then = std::move(then)]() mutable -> Task {
        auto result = std::make_shared<Result<T>>(work());
        return [then = std::move(then), result] { then(std::move(*result)); };
    });
}

}  // namespace

void TrustDesk::digest_of(StagedFile file, broker::Then<Digest> then) {
    ask<Digest>(
        workers_, [file] { return verify::hash_file(file.handle()); }, std::move(then));
}

void TrustDesk::piece_hashes(StagedFile file, ByteRange range, ByteCount piece_length, broker::Then<PieceHashes> then) {
    ask<PieceHashes>(
        workers_, [file, range, piece_length] { return verify::piece_hashes(file.handle(), range, piece_length); },
        std::move(then));
}

void TrustDesk::piece_hashes(StoredFile file, ByteCount piece_length, broker::Then<PieceHashes> then) {
    ask<PieceHashes>(
        workers_,
        [file, piece_length] {
            return verify::piece_hashes(file.handle(), {0, file.size()}, piece_length);
        },
        std::move(then));
}

void TrustDesk::open_root(broker::RootFiles files, broker::Then<broker::OpenedRoot> then) {
    ask<broker::OpenedRoot>(
        workers_,
        [files = std::move(files), keyrings = keyrings_]() mutable -> Result<broker::OpenedRoot> {
            std::optional<ByteView> signature;
            if (files.signature) signature = ByteView(*files.signature);
            auto index = formats::open_root(*keyrings, files.repository, files.root, signature);
            if (!index) return tl::unexpected(index.error());
            broker::OpenedRoot opened;
            opened.index = std::move(*index);
            if (signature) opened.signature_digest = verify::digest_of(*signature);
            opened.bundle = core::pack_bundle({std::move(files.root), std::move(files.signature)});
            opened.bundle_digest = verify::digest_of(opened.bundle);
            return opened;
        },
        std::move(then));
}

void TrustDesk::keyring_fingerprints(core::KeyringSpec keyring, broker::Then<std::vector<core::Fingerprint>> then) {
    ask<std::vector<core::Fingerprint>>(
        workers_,
        [keyring = std::move(keyring), keyrings = keyrings_]() -> Result<std::vector<core::Fingerprint>> {
            auto loaded = keyrings->get(keyring);
            if (!loaded) return tl::unexpected(loaded.error());
            return loaded->primaries();
        },
        std::move(then));
}

namespace {

using Sheet = std::shared_ptr<const core::CatalogSheet>;

template <class Parse>
Result<Sheet> sheet_of(Parse parse) {
    Sheet sheet;
    {
        auto index = parse();
        if (!index) return tl::unexpected(index.error());
        sheet = std::make_shared<const core::CatalogSheet>(index->entries, std::move(index->left_out));
    }
    ::malloc_trim(0);  // tens of megabytes that a large index took for a moment
    return sheet;
}

}  // namespace

void TrustDesk::open_packages(StoredFile file, core::Format format, std::string path, broker::Then<Sheet> then) {
    ask<Sheet>(
        workers_,
        [file, format, path = std::move(path)] {
            return sheet_of([&] { return format->read_list(file.handle(), file.size(), path); });
        },
        std::move(then));
}

void TrustDesk::open_list(FileHandle file, core::Format format, core::IndexEntry plain, broker::Then<Sheet> then) {
    const auto shared = std::make_shared<const FileHandle>(std::move(file));
    ask<Sheet>(
        workers_,
        [shared, format, plain = std::move(plain)] {
            return sheet_of([&] { return format->read_kept_list(*shared, plain); });
        },
        std::move(then));
}

void TrustDesk::check_package(broker::SharedBytes package, Bytes signature, const core::Repository& repository,
                              core::IndexEntry entry, broker::Then<void> then) {
    ask<void>(
        workers_,
        [package = std::move(package), signature = std::move(signature), format = repository.format,
         keyring = repository.keyring, entry = std::move(entry), keyrings = keyrings_] {
            return format->check_package(*keyrings, *package, entry.size, signature, keyring, entry);
        },
        std::move(then));
}

}  // namespace packswarm::daemon
