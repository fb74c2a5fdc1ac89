// PaperTrust: the trust port with real hashing and real formats, and signatures of paper: they hold by their text
// alone, so that no gpg is started for the hundreds that the broker's tests need. PaperKey: makes them. What gpg itself
// says of signatures: tests/component/verify, tests/component/daemon/trust_test.cpp.
#pragma once

#include <algorithm>
#include <cstdio>
#include <memory>
#include <utility>

#include "formats/index_root.hpp"
#include "p2p/base/text.hpp"
#include "p2p/core/bundle.hpp"
#include "p2p/core/signatures.hpp"
#include "p2p/daemon/trust.hpp"
#include "tests/support/signed_repo.hpp"
#include "verify/hasher.hpp"

namespace packswarm::test {

// In place of GnuPG's: "paper KEY TIME SHA256". A keyring holds a key when it names the file keyring_of(key).
class PaperKey {
  public:
    explicit PaperKey(core::Fingerprint key = "4CB50190207B4758A3F73A796ED0E7B82643E131") : key_(std::move(key)) {}

    static std::string keyring_of(const core::Fingerprint& key) { return "/paper/" + key; }
    const core::Fingerprint& fingerprint() const { return key_; }

    std::string clearsign(std::string_view text, const SignOptions& options = {}) const {
        const auto signed_text = std::string(text.substr(0, text.find_last_not_of('\n') + 1)) + "\n";
        return "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n" + signed_text + std::string(begin_of_signature) +
               "\n" + sign_detached(signed_text, options) + "-----END PGP SIGNATURE-----\n";
    }
    std::string sign_detached(std::string_view data, const SignOptions& options = {}) const {
        return "paper " + key_ + " " + (options.at.empty() ? "20260701T100000" : options.at) + " " + sha256_hex(data) +
               "\n";
    }

    static constexpr std::string_view begin_of_signature = "-----BEGIN PGP SIGNATURE-----\n";

  private:
    core::Fingerprint key_;
};

class PaperSignatures final : public core::Signatures {
  public:
    Result<core::SignedText> clearsigned(const core::KeyringSpec& keyring, ByteView message) override {
        const std::string_view text = as_text(message);
        const auto head = text.find("\n\n"), end = text.find(PaperKey::begin_of_signature);
        if (!text.starts_with("-----BEGIN PGP SIGNED MESSAGE-----\n") || end == std::string_view::npos || head > end)
            return fail(ErrorKind::Corrupt, "no clearsigned message");
        const auto signed_text = text.substr(head + 2, end - head - 2);
        const auto paper = text.substr(end + PaperKey::begin_of_signature.size() + 1);
        auto signers = read(keyring, signed_text, paper);
        if (!signers) return tl::unexpected(signers.error());
        return core::SignedText{std::string(signed_text), std::move(*signers)};
    }
    Result<core::Signers> detached(const core::KeyringSpec& keyring, ByteView data, ByteView signature) override {
        return read(keyring, as_text(data), as_text(signature));
    }
    Result<core::Signers> detached(const core::KeyringSpec& keyring, const FileHandle& data, ByteCount size,
                                   ByteView signature) override {
        std::string text(static_cast<std::size_t>(size), '\0');
        if (!read_at(data, 0, std::span(text))) return fail(ErrorKind::Broken, "a file that cannot be read");
        return read(keyring, text, as_text(signature));
    }

  private:
    static Result<core::Signers> read(const core::KeyringSpec& keyring, std::string_view data, std::string_view paper) {
        char key[41], digest[65];
        int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
        if (std::sscanf(std::string(paper).c_str(), "paper %40s %4d%2d%2dT%2d%2d%2d %64s", key, &year, &month, &day,
                        &hour, &minute, &second, digest) != 8)
            return fail(ErrorKind::Corrupt, "no signature");
        const auto& files = keyring.files;
        if (std::find(files.begin(), files.end(), PaperKey::keyring_of(key)) == files.end())
            return fail(ErrorKind::Absent, "signed by {}, which is not trusted here", key);
        if (sha256_hex(data) != digest) return fail(ErrorKind::Corrupt, "what was signed has been altered");
        const std::chrono::sys_days date{std::chrono::year(year) / month / day};
        const auto time = std::chrono::hours(hour) + std::chrono::minutes(minute) + Seconds(second);
        return core::Signers{{key}, "", date + time};
    }
};

class PaperTrust final : public broker::Trust {
  public:
    explicit PaperTrust(Workers& workers) : workers_(workers), desk_(workers) {}

    void open_root(broker::RootFiles files, broker::Then<broker::OpenedRoot> then) override {
        workers_.run([files = std::move(files), then = std::move(then)]() mutable -> Task {
            auto opened = std::make_shared<Result<broker::OpenedRoot>>(opened_root(std::move(files)));
            return [opened, then = std::move(then)] { then(std::move(*opened)); };
        });
    }
    void keyring_fingerprints(core::KeyringSpec keyring, broker::Then<std::vector<core::Fingerprint>> then) override {
        workers_.run([files = std::move(keyring.files), then = std::move(then)]() -> Task {
            std::vector<core::Fingerprint> keys;
            for (const auto& file : files) keys.push_back(file.substr(file.rfind('/') + 1));
            return [keys, then] { then(keys); };
        });
    }
    void check_package(broker::SharedBytes package, Bytes signature, const core::Repository& repository,
                       core::IndexEntry entry, broker::Then<void> then) override {
        workers_.run([package = std::move(package), signature = std::move(signature), format = repository.format,
                      keyring = repository.keyring, entry = std::move(entry), then = std::move(then)]() -> Task {
            PaperSignatures signatures;
            auto checked = std::make_shared<Result<void>>(
                format->check_package(signatures, *package, entry.size, signature, keyring, entry));
            return [checked, then] { then(std::move(*checked)); };
        });
    }

    broker::CheckId begin_check(StagedFile file, const Digest& expected) override {
        return desk_.begin_check(std::move(file), expected);
    }
    void advance(broker::CheckId check, ByteCount prefix) override { desk_.advance(check, prefix); }
    void rewind(broker::CheckId check) override { desk_.rewind(check); }
    void finish(broker::CheckId check, broker::Then<VerifiedFile> then) override {
        desk_.finish(check, std::move(then));
    }
    void drop(broker::CheckId check) override { desk_.drop(check); }
    broker::CheckId begin_proof(KeptFile file, PieceHashes pieces) override {
        return desk_.begin_proof(std::move(file), std::move(pieces));
    }
    void go_on(broker::CheckId proof, ByteCount bytes, broker::Then<broker::ProofStep> then) override {
        desk_.go_on(proof, bytes, std::move(then));
    }
    void digest_of(StagedFile file, broker::Then<Digest> then) override {
        desk_.digest_of(std::move(file), std::move(then));
    }
    void piece_hashes(StagedFile file, ByteRange range, ByteCount length, broker::Then<PieceHashes> then) override {
        desk_.piece_hashes(std::move(file), range, length, std::move(then));
    }
    void piece_hashes(StoredFile file, ByteCount length, broker::Then<PieceHashes> then) override {
        desk_.piece_hashes(std::move(file), length, std::move(then));
    }
    void open_packages(StoredFile file, core::Format format, std::string path,
                       broker::Then<std::shared_ptr<const core::CatalogSheet>> then) override {
        desk_.open_packages(std::move(file), format, std::move(path), std::move(then));
    }
    void open_list(FileHandle file, core::Format format, core::IndexEntry plain,
                   broker::Then<std::shared_ptr<const core::CatalogSheet>> then) override {
        desk_.open_list(std::move(file), format, std::move(plain), std::move(then));
    }

  private:
    static Result<broker::OpenedRoot> opened_root(broker::RootFiles files) {
        PaperSignatures signatures;
        std::optional<ByteView> signature;
        if (files.signature) signature = ByteView(*files.signature);
        auto index = formats::open_root(signatures, files.repository, files.root, signature);
        if (!index) return tl::unexpected(index.error());
        broker::OpenedRoot opened;
        opened.index = std::move(*index);
        if (signature) opened.signature_digest = verify::digest_of(*signature);
        opened.bundle = core::pack_bundle({std::move(files.root), std::move(files.signature)});
        opened.bundle_digest = verify::digest_of(opened.bundle);
        return opened;
    }

    Workers& workers_;
    daemon::TrustDesk desk_;
};

}  // namespace packswarm::test
