#include "verify/signature.hpp"

#include <algorithm>
#include <set>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "verify/clearsigned.hpp"
#include "verify/gpg_context.hpp"
#include "verify/safe_text.hpp"

namespace packswarm::verify {

namespace {

enum class Verdict {
    good,        // right bytes, a key we believe
    unbelieved,  // says nothing: unknown, expired, revoked, not allowed, not trusted, weak
    bad,         // other bytes than the signer saw
};

struct Finding {
    Verdict verdict;
    std::string text;  // for a person
};

bool is_weak(gpgme_hash_algo_t algorithm) {
    return algorithm == GPGME_MD_MD5 || algorithm == GPGME_MD_SHA1 || algorithm == GPGME_MD_RMD160 ||
           algorithm == GPGME_MD_MD2 || algorithm == GPGME_MD_MD4 || algorithm == GPGME_MD_NONE;
}

bool is_trusted(gpgme_validity_t validity) {
    return validity == GPGME_VALIDITY_FULL || validity == GPGME_VALIDITY_ULTIMATE;
}

WallTime signed_at(const gpgme_signature_t signature) {
    return WallTime(Seconds(static_cast<std::int64_t>(signature->timestamp)));
}

Finding judge(const Keyring& keyring, const gpgme_signature_t signature) {
    const std::string key = signature->fpr == nullptr ? "of unknown name" : printable(signature->fpr, 64);
    switch (gpgme_err_code(signature->status)) {
        case GPG_ERR_NO_ERROR:
            break;
        case GPG_ERR_BAD_SIGNATURE:
            return {Verdict::bad, "the signature of key " + key + " is bad: the text was altered"};
        case GPG_ERR_NO_PUBKEY:
            return {Verdict::unbelieved, "key " + key + " is not in the keyring"};
        case GPG_ERR_SIG_EXPIRED:
            return {Verdict::unbelieved, "the signature of key " + key + " has expired"};
        case GPG_ERR_KEY_EXPIRED:
            if (keyring.outlived(key, signed_at(signature))) break;
            return {Verdict::unbelieved, "key " + key + " has expired: update the keyring"};
        case GPG_ERR_CERT_REVOKED:
            return {Verdict::unbelieved, "key " + key + " is revoked"};
        default:
            return {Verdict::unbelieved,
                    "the signature of key " + key + " cannot be checked: " + gpg_message(signature->status)};
    }
    if (is_weak(signature->hash_algo))
        return {Verdict::unbelieved,
                fmt::format("key {} signed with the weak digest {}", key, gpgme_hash_algo_name(signature->hash_algo))};
    if (signature->wrong_key_usage != 0) return {Verdict::unbelieved, "key " + key + " may not sign"};
    if (!keyring.primary_of(key)) return {Verdict::unbelieved, "key " + key + " is disabled in the keyring"};
    if (!keyring.allows(key)) return {Verdict::unbelieved, "key " + key + " is not one of the expected fingerprints"};
    if (keyring.needs_validity() && !is_trusted(signature->validity))
        return {Verdict::unbelieved, "key " + key + " is not trusted in pacman's keyring: see pacman-key"};
    return {Verdict::good, {}};
}

// apt's rule: one good signature suffices and those by unknown keys do not matter, but one bad signature spoils the
// file. pacman's rule: every signature must be good.
Result<Signers> judge_all(const Keyring& keyring, gpgme_ctx_t context) {
    const auto* result = gpgme_op_verify_result(context);
    if (result == nullptr || result->signatures == nullptr) return fail(ErrorKind::Corrupt, "no OpenPGP signature");
    Signers signers;
    std::set<core::Fingerprint> primaries, strong;
    std::string unbelieved, weak;
    for (auto* signature = result->signatures; signature != nullptr; signature = signature->next) {
        const auto finding = judge(keyring, signature);
        if (finding.verdict == Verdict::bad) return fail(ErrorKind::Corrupt, "{}", finding.text);
        if (finding.verdict == Verdict::unbelieved && unbelieved.size() < 1000)
            unbelieved += (unbelieved.empty() ? "" : "; ") + finding.text;
        if (finding.verdict != Verdict::good) continue;
        primaries.insert(*keyring.primary_of(signature->fpr));
        if (gpgme_err_code(signature->status) == GPG_ERR_KEY_EXPIRED)
            weak = fmt::format("key {} has expired since it signed", signature->fpr);
        else if (const auto weakness = keyring.weakness_of(signature->fpr))
            weak = fmt::format("key {} {}", signature->fpr, *weakness);
        else
            strong.insert(*keyring.primary_of(signature->fpr));
        signers.signed_at = std::max(signers.signed_at, signed_at(signature));
    }
    if (primaries.empty() || (keyring.needs_validity() && !unbelieved.empty()))
        return fail(ErrorKind::Absent, "no signature to believe: {}", unbelieved);
    signers.primaries.assign(primaries.begin(), primaries.end());
    if (strong.empty()) signers.weakness = weak;
    if (!strong.empty()) signers.primaries.assign(strong.begin(), strong.end());
    return signers;
}

// gpg's own failure, when it found no signature to report at all.
Result<void> check_run(const Result<gpgme_error_t>& ran, gpgme_ctx_t context) {
    if (!ran) return tl::unexpected(ran.error());
    if (*ran == 0) return {};
    const auto* result = gpgme_op_verify_result(context);
    if (result != nullptr && result->signatures != nullptr) return {};
    const auto code = gpgme_err_code(*ran);
    const bool ours = code == GPG_ERR_INV_ENGINE || code == GPG_ERR_ENOMEM || code == GPG_ERR_EIO;
    return fail(ours ? ErrorKind::Broken : ErrorKind::Corrupt, "no OpenPGP signature: {}", gpg_message(*ran));
}

Result<Signers> verify_data(const Keyring& keyring, const GpgData& data, ByteCount size, ByteView signature) {
    if (static_cast<ByteCount>(signature.size()) > limits::max_signature)
        return fail(ErrorKind::Corrupt, "a signature of {} bytes; at most {} are read", signature.size(),
                    limits::max_signature);
    if (signature.empty()) return fail(ErrorKind::Corrupt, "an empty signature");
    auto gpg = GpgContext::open(keyring.home());
    if (!gpg) return tl::unexpected(gpg.error());
    const auto detached = gpg_data(signature);
    const auto deadline = Millis(limits::gpg_deadline) + Millis(size / (limits::gpg_bytes_per_second / 1000));
    const auto ran = gpg->run(
        [&](gpgme_ctx_t context) { return gpgme_op_verify_start(context, detached.get(), data.get(), nullptr); },
        deadline);
    if (auto good = check_run(ran, gpg->get()); !good) return tl::unexpected(good.error());
    return judge_all(keyring, gpg->get());
}

}  // namespace

Result<SignedText> verify_clearsigned(const Keyring& keyring, ByteView message) {
    if (static_cast<ByteCount>(message.size()) > limits::max_release)
        return fail(ErrorKind::Corrupt, "a signed file of {} bytes; at most {} are read", message.size(),
                    limits::max_release);
    auto cut = cut_clearsigned(message);
    if (!cut) return tl::unexpected(cut.error());
    auto signers = verify_detached(keyring, as_bytes(cut->text), as_bytes(cut->signatures));
    if (!signers) return tl::unexpected(signers.error());
    return SignedText{std::move(cut->text) + "\n", std::move(*signers)};
}

Result<Signers> verify_detached(const Keyring& keyring, ByteView data, ByteView signature) {
    return verify_data(keyring, gpg_data(data), static_cast<ByteCount>(data.size()), signature);
}

Result<Signers> verify_detached(const Keyring& keyring, const FileHandle& data, ByteCount size, ByteView signature) {
    GpgFileReader reader(data, size);
    return verify_data(keyring, reader.data(), size, signature);
}

Result<SignedText> Keyrings::clearsigned(const core::KeyringSpec& keyring, ByteView message) {
    const auto keys = get(keyring);
    if (!keys) return tl::unexpected(keys.error());
    return verify_clearsigned(*keys, message);
}

Result<Signers> Keyrings::detached(const core::KeyringSpec& keyring, ByteView data, ByteView signature) {
    const auto keys = get(keyring);
    if (!keys) return tl::unexpected(keys.error());
    return verify_detached(*keys, data, signature);
}

Result<Signers> Keyrings::detached(const core::KeyringSpec& keyring, const FileHandle& data, ByteCount size,
                                   ByteView signature) {
    const auto keys = get(keyring);
    if (!keys) return tl::unexpected(keys.error());
    return verify_detached(*keys, data, size, signature);
}

}  // namespace packswarm::verify
