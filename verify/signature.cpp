#include "verify/signature.hpp"

#include <algorithm>
#include <set>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
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
    std::set<core::Fingerprint> primaries;
    std::string unbelieved;
    for (auto* signature = result->signatures; signature != nullptr; signature = signature->next) {
        const auto finding = judge(keyring, signature);
        if (finding.verdict == Verdict::bad) return fail(ErrorKind::Corrupt, "{}", finding.text);
        if (finding.verdict == Verdict::unbelieved && unbelieved.size() < 1000)
            unbelieved += (unbelieved.empty() ? "" : "; ") + finding.text;
        if (finding.verdict != Verdict::good) continue;
        primaries.insert(*keyring.primary_of(signature->fpr));
        signers.signed_at =
            std::max(signers.signed_at, WallTime(Seconds(static_cast<std::int64_t>(signature->timestamp))));
    }
    if (primaries.empty() || (keyring.needs_validity() && !unbelieved.empty()))
        return fail(ErrorKind::Absent, "no signature to believe: {}", unbelieved);
    signers.primaries.assign(primaries.begin(), primaries.end());
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

// What a line of a clearsigned message is, with trailing blanks gone.
enum class FrameLine { begin_message, begin_signature, end_signature, blank, dashes, text };
FrameLine frame_line(std::string_view line) {
    if (line == "-----BEGIN PGP SIGNED MESSAGE-----") return FrameLine::begin_message;
    if (line == "-----BEGIN PGP SIGNATURE-----") return FrameLine::begin_signature;
    if (line == "-----END PGP SIGNATURE-----") return FrameLine::end_signature;
    if (line.empty()) return FrameLine::blank;
    return line.front() == '-' && !line.starts_with("- ") ? FrameLine::dashes : FrameLine::text;
}

tl::unexpected<Error> bad_frame(std::string_view what) {
    return fail(ErrorKind::Corrupt, "not a clearsigned message: {}", what);
}

}  // namespace

Result<void> check_clearsigned_frame(ByteView message) {
    enum { start, headers, body, signature, end } part = start;
    ByteCount signature_bytes = 0;  // each signature in there costs gpg a check
    auto rest = as_text(message);
    if (rest.find('\0') != std::string_view::npos) return bad_frame("it holds NUL bytes");
    while (!rest.empty()) {
        const auto raw = take_line(rest);
        if (static_cast<ByteCount>(raw.size()) > limits::max_release_line) return bad_frame("a line is too long");
        const auto line = raw.substr(0, raw.find_last_not_of(" \t\r") + 1);
        const auto kind = frame_line(line);
        if (part == start && kind != FrameLine::begin_message) return bad_frame("text stands before the signed part");
        if (part == end && kind != FrameLine::blank) return bad_frame("text stands after the signed part");
        if (part == signature && (signature_bytes += static_cast<ByteCount>(raw.size())) > limits::max_signature)
            return bad_frame("its signatures are too long");
        if (part == headers && kind != FrameLine::blank && !line.starts_with("Hash: "))
            return bad_frame("an unknown header");
        const bool expected = (part == start && kind == FrameLine::begin_message) ||
                              (part == body && kind == FrameLine::begin_signature) ||
                              (part == signature && kind == FrameLine::end_signature) || part == end;
        const bool delimiter = kind != FrameLine::blank && kind != FrameLine::text;
        if (delimiter && !expected) return bad_frame("it holds a second or misplaced part");
        if (expected && part == start)
            part = headers;
        else if (part == headers && kind == FrameLine::blank)
            part = body;
        else if (expected && part == body)
            part = signature;
        else if (expected && part == signature)
            part = end;
    }
    if (part != end) return bad_frame("it is cut short");
    return {};
}

Result<SignedText> verify_clearsigned(const Keyring& keyring, ByteView message) {
    if (static_cast<ByteCount>(message.size()) > limits::max_release)
        return fail(ErrorKind::Corrupt, "a signed file of {} bytes; at most {} are read", message.size(),
                    limits::max_release);
    if (auto framed = check_clearsigned_frame(message); !framed) return tl::unexpected(framed.error());
    auto gpg = GpgContext::open(keyring.home());
    if (!gpg) return tl::unexpected(gpg.error());
    const auto data = gpg_data(message);
    auto output = gpg_output();
    const auto ran =
        gpg->run([&](gpgme_ctx_t context) { return gpgme_op_verify_start(context, data.get(), nullptr, output.get()); },
                 limits::gpg_deadline);
    if (auto good = check_run(ran, gpg->get()); !good) return tl::unexpected(good.error());
    auto signers = judge_all(keyring, gpg->get());
    if (!signers) return tl::unexpected(signers.error());
    return SignedText{take_text(std::move(output)), std::move(*signers)};
}

Result<Signers> verify_detached(const Keyring& keyring, ByteView data, ByteView signature) {
    return verify_data(keyring, gpg_data(data), static_cast<ByteCount>(data.size()), signature);
}

Result<Signers> verify_detached(const Keyring& keyring, const FileHandle& data, ByteCount size, ByteView signature) {
    GpgFileReader reader(data, size);
    return verify_data(keyring, reader.data(), size, signature);
}

}  // namespace packswarm::verify
