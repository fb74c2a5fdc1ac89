// Keyring: the public keys of one KeyringSpec in a private temporary GnuPG home, ready for signatures; removed with the
// last copy. Keyrings: keeps them, since making one costs tens of milliseconds, and makes a new one when a file behind
// it has changed. Any thread. Errors: Refused (no usable key, files missing or unreadable: says which), Broken (gpg
// missing or failing).
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "p2p/base/result.hpp"
#include "p2p/core/signatures.hpp"

namespace packswarm::verify {

class Keyring {
  public:
    static Result<Keyring> load(const core::KeyringSpec& spec);

    std::vector<core::Fingerprint> primaries() const;  // primary keys it holds, sorted
    const std::vector<std::string>& warnings() const;  // files left out, and why
    const std::filesystem::path& home() const;         // the private GnuPG home
    // Trust decides as in pacman: a key must be fully or ultimately valid, and every signature must be good.
    bool needs_validity() const;
    // Primary key of a signing key (primary or subkey) of this keyring; none for unknown and for disabled keys.
    std::optional<core::Fingerprint> primary_of(const core::Fingerprint& key) const;
    // Whether this key had not expired yet at that time, and the spec lets such signatures count.
    bool outlived(const core::Fingerprint& key, WallTime signed_at) const;
    // Why apt 3 with sqv (Debian 13) would not believe signatures by this key, such as "is RSA of 1024 bits"; none
    // where it would, and in pacman's keyrings, whose owner's trust decides.
    std::optional<std::string> weakness_of(const core::Fingerprint& key) const;
    // Whether the spec's fingerprints, if any, allow signatures made by this key (primary or subkey; see KeyringSpec).
    bool allows(const core::Fingerprint& key) const;

  private:
    struct State;
    std::shared_ptr<const State> state_;
};

// Shared by the workers, so it holds a lock; nothing slow happens under it.
class Keyrings final : public core::Signatures {
  public:
    Result<Keyring> get(const core::KeyringSpec& spec);
    Result<core::SignedText> clearsigned(const core::KeyringSpec& keyring, ByteView message) override;
    Result<core::Signers> detached(const core::KeyringSpec& keyring, ByteView data, ByteView signature) override;
    Result<core::Signers> detached(const core::KeyringSpec& keyring, const FileHandle& data, ByteCount size,
                                   ByteView signature) override;

  private:
    struct Entry {
        core::KeyringSpec spec;
        std::string stamp;
        Keyring keyring;
    };
    std::mutex mutex_;
    std::vector<Entry> entries_;  // oldest first, at most limits::max_keyrings
};

}  // namespace packswarm::verify
