#include "verify/file_verifier.hpp"

#include <gtest/gtest.h>

#include "tests/support/signed_repo.hpp"

namespace packswarm::verify {
namespace {

StagedFile staged(const test::TempDir& folder, std::string_view content) {
    auto file = StagedFile::create(folder.path() / "staged", static_cast<ByteCount>(content.size()));
    EXPECT_TRUE(file) << file.error().message;
    EXPECT_TRUE(file->write(0, as_bytes(content)));
    return *file;
}

TEST(FileVerifier, VouchesForAFileThatArrivedInParts) {
    const test::TempDir folder;
    const std::string text(300'000, 'x');
    FileVerifier verifier(staged(folder, text), digest_of(as_bytes(text)));
    EXPECT_TRUE(verifier.absorb(10));
    EXPECT_TRUE(verifier.absorb(5));
    EXPECT_TRUE(verifier.absorb(200'000));
    EXPECT_EQ(verifier.hashed(), 200'000);
    const auto verified = verifier.finish();
    ASSERT_TRUE(verified);
    EXPECT_EQ(verified->digest(), digest_of(as_bytes(text)));
}

TEST(FileVerifier, NamesBothDigestsWhenTheyDiffer) {
    const test::TempDir folder;
    FileVerifier verifier(staged(folder, "wrong"), digest_of(as_bytes("right")));
    const auto verified = verifier.finish();
    ASSERT_FALSE(verified);
    EXPECT_EQ(verified.error().kind, ErrorKind::Corrupt);
    EXPECT_NE(verified.error().message.find(digest_of(as_bytes("right")).hex()), std::string::npos);
    EXPECT_NE(verified.error().message.find(digest_of(as_bytes("wrong")).hex()), std::string::npos);
}

TEST(FileVerifier, VouchesForAFileByTheFirstHalfOfItsSha512) {
    const test::TempDir folder;
    MultiHasher hasher({"SHA512"});
    hasher.add(as_bytes("right"));
    const auto name = half_of_sha512(hasher.finish().at("SHA512"));
    ASSERT_TRUE(name);
    const auto verified = FileVerifier(staged(folder, "right"), *name).finish();
    ASSERT_TRUE(verified) << verified.error().message;
    EXPECT_EQ(verified->digest(), *name);
    const test::TempDir another;
    const auto wrong = FileVerifier(staged(another, "wrong"), *name).finish();
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().kind, ErrorKind::Corrupt);
}

TEST(FileVerifier, SeesBytesReplacedBeforeRewind) {
    const test::TempDir folder;
    auto file = staged(folder, "wrong bytes");
    FileVerifier verifier(file, digest_of(as_bytes("right bytes")));
    EXPECT_TRUE(verifier.absorb(11));
    ASSERT_TRUE(file.write(0, as_bytes("right")));
    verifier.rewind();
    EXPECT_TRUE(verifier.finish());
}

TEST(FileVerifier, VouchesForAnEmptyFile) {
    const test::TempDir folder;
    EXPECT_TRUE(FileVerifier::check_all(staged(folder, ""), digest_of({})));
}

TEST(FileVerifier, ReportsAFileCutBehindItsBackAsBroken) {
    const test::TempDir folder;
    auto file = staged(folder, "some bytes");
    std::filesystem::resize_file(file.path(), 3);
    const auto verified = FileVerifier::check_all(file, digest_of(as_bytes("some bytes")));
    ASSERT_FALSE(verified);
    EXPECT_EQ(verified.error().kind, ErrorKind::Broken);
}

}  // namespace
}  // namespace packswarm::verify
