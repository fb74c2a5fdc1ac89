#include "verify/signature.hpp"

#include <gtest/gtest.h>

#include "tests/support/signed_repo.hpp"

namespace packswarm::verify {
namespace {

const std::string text = "Origin: test\n- dashed line\nSuite: stable\n";

// One keyring with a current, an expired and a revoked key; "stranger" is in none.
class Signature : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        gpg = new test::GpgHome;
        folder = new test::TempDir;
        current = gpg->make_key({.name = "current"});
        rsa = gpg->make_key({.name = "rsa", .algorithm = "rsa2048"});
        subkey = gpg->add_signing_subkey(current);
        expired = gpg->make_key({.name = "expired", .expires = "10d", .at = "20240101T000000"});
        revoked = gpg->make_key({.name = "revoked"});
        stranger = gpg->make_key({.name = "stranger"});
        by_revoked = gpg->clearsign(text, {revoked});
        gpg->revoke(revoked);
        keyring_file = folder->path() / "keys.gpg";
        test::write_file(keyring_file, gpg->export_keys({current, rsa, expired, revoked}));
        all = new Keyring(*Keyring::load({.files = {keyring_file}}));
    }
    static void TearDownTestSuite() {
        delete all;
        delete gpg;
        delete folder;
    }
    static Keyring only(const std::vector<std::string>& fingerprints) {
        return *Keyring::load({.files = {keyring_file}, .fingerprints = fingerprints});
    }
    static Result<SignedText> verify(const std::string& message) { return verify_clearsigned(*all, as_bytes(message)); }
    template <class T>
    static void expect_error(const Result<T>& result, ErrorKind kind, std::string_view part) {
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().kind, kind) << result.error().message;
        EXPECT_NE(result.error().message.find(part), std::string::npos) << result.error().message;
    }

    inline static test::GpgHome* gpg = nullptr;
    inline static test::TempDir* folder = nullptr;
    inline static Keyring* all = nullptr;
    inline static std::string current, rsa, subkey, expired, revoked, stranger, by_revoked, keyring_file;
};

TEST_F(Signature, GivesExactlyTheSignedBytesAndThePrimaryKey) {
    const auto read = verify(gpg->clearsign(text, {current + "!"}));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->text, text);
    EXPECT_EQ(read->signers.primaries, std::vector{current});
    const auto now = std::chrono::system_clock::now();
    EXPECT_LT(std::chrono::abs(now - read->signers.signed_at), std::chrono::hours(1));
}

TEST_F(Signature, OfASubkeyCountsForItsPrimary) {
    const auto read = verify(gpg->clearsign(text, {subkey + "!"}));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->signers.primaries, std::vector{current});
}

TEST_F(Signature, OfAnRsaKeyIsGood) { EXPECT_TRUE(verify(gpg->clearsign(text, {rsa}))); }

TEST_F(Signature, SurvivesCarriageReturns) {
    std::string message;
    for (const char c : gpg->clearsign(text, {current})) message += c == '\n' ? std::string("\r\n") : std::string(1, c);
    EXPECT_TRUE(verify(message));
}

// aptly 1.6 writes no checksum (RFC 9580, 6.1), others no or a wrong Hash header: apt hands gpg text and signature
// apart.
TEST_F(Signature, NeedsNoChecksumAndNoHashHeader) {
    const auto message = gpg->clearsign(text, {current});
    auto without_checksum = message;
    const auto checksum = without_checksum.rfind("\n=");
    without_checksum.erase(checksum, without_checksum.find('\n', checksum + 1) - checksum);
    auto without_hash = message;
    const auto hash = without_hash.find("Hash: ");
    without_hash.erase(hash, without_hash.find('\n', hash) + 1 - hash);
    auto wrong_hash = message;
    wrong_hash.replace(wrong_hash.find("Hash: SHA256"), 12, "Hash: SHA1");
    auto odd_hash = message;
    odd_hash.replace(odd_hash.find("Hash: SHA256"), 12, "Hash:SHA256,MD5\nComment: x");
    for (const auto& variant :
         {without_checksum, without_hash, wrong_hash, odd_hash, message.substr(0, message.size() - 1)}) {
        ASSERT_NE(variant, message);
        const auto read = verify(variant);
        ASSERT_TRUE(read) << read.error().message << "\n" << variant;
        EXPECT_EQ(read->text, text);
    }
}

TEST_F(Signature, DoesNotCoverBlanksAtTheEndsOfLines) {
    auto message = gpg->clearsign("Suite: stable  \nOrigin: x\t\n", {current});
    const auto read = verify(message);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->text, "Suite: stable\nOrigin: x\n");
    message.replace(message.find("Origin: x"), 9, "Origin: x   ");
    EXPECT_TRUE(verify(message));
}

TEST_F(Signature, MayStandBesideAnotherInABlockOfItsOwn) {
    const auto message = gpg->clearsign(text, {current + "!"});
    const auto other = gpg->clearsign(text, {rsa});
    const auto both = verify(message + other.substr(other.find("-----BEGIN PGP SIGNATURE")));
    ASSERT_TRUE(both) << both.error().message;
    EXPECT_EQ(both->text, text);
    EXPECT_FALSE(both->signers.primaries.empty());
}

TEST_F(Signature, OfAlteredTextIsCorrupt) {
    auto message = gpg->clearsign(text, {current});
    message.replace(message.find("stable"), 6, "Stable");
    expect_error(verify(message), ErrorKind::Corrupt, "altered");
}

TEST_F(Signature, OfAnUnknownKeyIsNotBelievedAndNobodyIsBlamed) {
    expect_error(verify(gpg->clearsign(text, {stranger})), ErrorKind::Absent, "not in the keyring");
}

TEST_F(Signature, OfAnExpiredKeyIsNotBelieved) {
    expect_error(verify(gpg->clearsign(text, {expired}, {.at = "20240102T000000"})), ErrorKind::Absent, "expired");
}

// apt with sqv looks at the time of the signature, apt with gpgv at today.
TEST_F(Signature, OfAKeyThatHasExpiredSinceCountsWhereAptTakesIt) {
    const auto keyring = *Keyring::load({.files = {keyring_file}, .outlived_keys = true});
    const auto message = gpg->clearsign(text, {expired}, {.at = "20240102T000000"});
    const auto read = verify_clearsigned(keyring, as_bytes(message));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->signers.weakness, "key " + expired + " has expired since it signed");
    EXPECT_TRUE(keyring.outlived(expired, WallTime(Seconds(1704585600))));   // 2024-01-07
    EXPECT_FALSE(keyring.outlived(expired, WallTime(Seconds(1706745600))));  // 2024-02-01
    EXPECT_FALSE(keyring.outlived(current, WallTime(Seconds(1704585600))));
}

TEST_F(Signature, OfARevokedKeyIsNotBelieved) { expect_error(verify(by_revoked), ErrorKind::Absent, "revoked"); }

TEST_F(Signature, ThatHasExpiredIsNotBelieved) {
    const auto message = gpg->clearsign(text, {rsa}, {.expires = "seconds=1"});
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    auto read = verify(message);
    while (read && std::chrono::steady_clock::now() < deadline) read = verify(message);
    expect_error(read, ErrorKind::Absent, "has expired");
}

TEST_F(Signature, WithSha1IsNotBelieved) {
    expect_error(verify(gpg->clearsign(text, {rsa}, {.digest = "SHA1"})), ErrorKind::Absent, "weak digest SHA1");
}

// Debian 12's apt believes these keys, Debian 13's does not.
TEST_F(Signature, OfAWeakKeyIsGoodAndSaysSo) {
    const auto short_rsa = gpg->make_key({.name = "short", .algorithm = "rsa1024"});
    const auto by_sha1 = gpg->make_key({.name = "sha1", .algorithm = "rsa2048", .binding_digest = "SHA1"});
    test::write_file(folder->path() / "weak.gpg", gpg->export_keys({current, short_rsa, by_sha1}));
    const auto keyring = *Keyring::load({.files = {folder->path() / "weak.gpg"}});
    const auto read_by = [&](const std::vector<std::string>& keys) {
        return verify_clearsigned(keyring, as_bytes(gpg->clearsign(text, keys)));
    };
    const auto strong = read_by({current + "!"});
    ASSERT_TRUE(strong) << strong.error().message;
    EXPECT_EQ(strong->signers.weakness, "");
    const auto by_short = read_by({short_rsa});
    ASSERT_TRUE(by_short) << by_short.error().message;
    EXPECT_EQ(by_short->signers.weakness, "key " + short_rsa + " is RSA of 1024 bits");
    EXPECT_EQ(by_short->signers.primaries, std::vector{short_rsa});
    const auto bound = read_by({by_sha1});
    ASSERT_TRUE(bound) << bound.error().message;
    EXPECT_EQ(bound->signers.weakness, "key " + by_sha1 + " is bound by SHA-1 or an older digest");
    const auto both = read_by({short_rsa, current + "!"});
    ASSERT_TRUE(both) << both.error().message;
    EXPECT_EQ(both->signers.weakness, "");
    EXPECT_EQ(both->signers.primaries, std::vector{current});
}

TEST_F(Signature, OfAKnownKeySufficesBesideAnUnknownOne) {
    const auto read = verify(gpg->clearsign(text, {stranger, current + "!"}));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->signers.primaries, std::vector{current});
}

TEST_F(Signature, OfTwoKnownKeysNamesBoth) {
    const auto read = verify(gpg->clearsign(text, {rsa, current + "!"}));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->signers.primaries.size(), 2u);
    EXPECT_TRUE(std::is_sorted(read->signers.primaries.begin(), read->signers.primaries.end()));
}

// A file with one good signature and one over other bytes, as two detached signatures in one.
TEST_F(Signature, ThatIsBadSpoilsAGoodOneAsInApt) {
    const auto good = gpg->sign_detached(text, {current}, {.armor = false});
    const auto bad = gpg->sign_detached("other text", {rsa}, {.armor = false});
    ASSERT_TRUE(verify_detached(*all, as_bytes(text), as_bytes(good)));
    expect_error(verify_detached(*all, as_bytes(text), as_bytes(good + bad)), ErrorKind::Corrupt, "altered");
}

TEST_F(Signature, OfAKeyThatIsNotExpectedIsNotBelieved) {
    expect_error(verify_clearsigned(only({current}), as_bytes(gpg->clearsign(text, {rsa}))), ErrorKind::Absent,
                 "expected fingerprints");
    expect_error(verify_clearsigned(only({std::string(40, 'A')}), as_bytes(gpg->clearsign(text, {rsa}))),
                 ErrorKind::Absent, "expected");
}

TEST_F(Signature, FollowsTheRulesOfSignedByFingerprints) {
    const auto by_primary = gpg->clearsign(text, {current + "!"});
    const auto by_subkey = gpg->clearsign(text, {subkey + "!"});
    std::string lower;
    for (const char c : current) lower += static_cast<char>(std::tolower(c));
    EXPECT_TRUE(verify_clearsigned(only({current}), as_bytes(by_subkey)));
    EXPECT_TRUE(verify_clearsigned(only({lower}), as_bytes(by_primary)));
    EXPECT_TRUE(verify_clearsigned(only({subkey}), as_bytes(by_subkey)));
    EXPECT_TRUE(verify_clearsigned(only({subkey + "!"}), as_bytes(by_subkey)));
    EXPECT_TRUE(verify_clearsigned(only({current + "!"}), as_bytes(by_primary)));
    EXPECT_FALSE(verify_clearsigned(only({current + "!"}), as_bytes(by_subkey)));
    EXPECT_FALSE(verify_clearsigned(only({subkey}), as_bytes(by_primary)));
}

TEST_F(Signature, CoversNothingPutBeforeOrAfter) {
    const auto message = gpg->clearsign(text, {current});
    expect_error(verify("Suite: evil\n" + message), ErrorKind::Corrupt, "before the signed part");
    expect_error(verify("\n" + message), ErrorKind::Corrupt, "before the signed part");
    expect_error(verify(message + "Suite: evil\n"), ErrorKind::Corrupt, "after the signed part");
    EXPECT_TRUE(verify(message + "\n \n"));
}

TEST_F(Signature, OfTwoMessagesInARowIsCorrupt) {
    const auto message = gpg->clearsign(text, {current});
    expect_error(verify(message + message), ErrorKind::Corrupt, "after the signed part");
    expect_error(verify(message + gpg->clearsign("Suite: evil\n", {stranger})), ErrorKind::Corrupt,
                 "after the signed part");
}

TEST_F(Signature, OfAMessageCutShortIsCorrupt) {
    const auto message = gpg->clearsign(text, {current});
    for (const std::size_t length :
         {message.size() - 12, message.size() / 2, message.find("Suite"), std::size_t{20}, std::size_t{0}})
        expect_error(verify(message.substr(0, length)), ErrorKind::Corrupt, "not a clearsigned message");
}

TEST_F(Signature, OfAnEndlessLineOrFileIsCorrupt) {
    expect_error(verify(gpg->clearsign("Suite: " + std::string(17'000, 'x') + "\n", {current})), ErrorKind::Corrupt,
                 "too long");
    expect_error(verify(std::string(5 << 20, 'x')), ErrorKind::Corrupt, "at most");
}

TEST_F(Signature, WithEndlessSignaturesIsCorrupt) {
    auto message = gpg->clearsign(text, {current});
    std::string more;
    for (int i = 0; i < 1200; ++i) more += std::string(64, 'A') + "\n";
    message.insert(message.find("-----END"), more);
    expect_error(verify(message), ErrorKind::Corrupt, "signatures are too long");
}

TEST_F(Signature, FramesRefuseStrayHeadersDashesAndNul) {
    auto with_header = gpg->clearsign(text, {current});
    with_header.insert(with_header.find("\n\n"), "\nNotDashEscaped: yes");
    expect_error(verify(with_header), ErrorKind::Corrupt, "header");
    auto with_dashes = gpg->clearsign(text, {current});
    with_dashes.insert(with_dashes.find("Origin"), "-----BEGIN PGP MESSAGE-----\n");
    expect_error(verify(with_dashes), ErrorKind::Corrupt, "misplaced");
    auto with_nul = gpg->clearsign(text, {current});
    with_nul[with_nul.find("Origin")] = '\0';
    expect_error(verify(with_nul), ErrorKind::Corrupt, "NUL");
}

TEST_F(Signature, UnsignedTextIsCorrupt) {
    expect_error(verify(text), ErrorKind::Corrupt, "not a clearsigned message");
}

TEST_F(Signature, DetachedIsReadArmoredAndBinary) {
    for (const bool armor : {true, false}) {
        const auto signers = verify_detached(*all, as_bytes(text),
                                             as_bytes(gpg->sign_detached(text, {current + "!"}, {.armor = armor})));
        ASSERT_TRUE(signers) << signers.error().message;
        EXPECT_EQ(signers->primaries, std::vector{current});
    }
}

TEST_F(Signature, DetachedOfAFileLeavesItsPositionAlone) {
    const std::string large(3'000'000, 'x');
    test::write_file(folder->path() / "large", large);
    const auto file = *open_for_reading(folder->path() / "large");
    const auto signature = gpg->sign_detached(large, {current});
    EXPECT_TRUE(verify_detached(*all, file, static_cast<ByteCount>(large.size()), as_bytes(signature)));
    EXPECT_TRUE(verify_detached(*all, file, static_cast<ByteCount>(large.size()), as_bytes(signature)));
    expect_error(verify_detached(*all, file, 2'999'999, as_bytes(signature)), ErrorKind::Corrupt, "altered");
}

TEST_F(Signature, DetachedThatIsNoneIsCorrupt) {
    const auto clear = gpg->clearsign(text, {current});
    const auto inline_signed = gpg->gpg({"--local-user", current, "--sign"}, text);
    for (const auto& wrong :
         {std::string(), std::string("<html></html>"), std::string(70'000, 'x'), clear, inline_signed}) {
        const auto signers = verify_detached(*all, as_bytes(text), as_bytes(wrong));
        ASSERT_FALSE(signers) << wrong.substr(0, 40);
        EXPECT_EQ(signers.error().kind, ErrorKind::Corrupt) << signers.error().message;
    }
}

}  // namespace
}  // namespace packswarm::verify
