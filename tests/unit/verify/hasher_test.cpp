#include "verify/hasher.hpp"

#include <gtest/gtest.h>

#include "p2p/base/stop.hpp"
#include "tests/support/signed_repo.hpp"

namespace packswarm::verify {
namespace {

FileHandle file_with(const test::TempDir& folder, std::string_view content) {
    test::write_file(folder.path() / "file", content);
    return std::move(*open_for_reading(folder.path() / "file"));
}

std::string long_text(std::size_t size) {
    std::string out(size, '\0');
    for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>(i * 2654435761u >> 13);
    return out;
}

TEST(Hasher, GivesTheKnownDigestsOfAbc) {
    MultiHasher hasher;
    hasher.add(as_bytes("a"));
    hasher.add(as_bytes("bc"));
    const auto hashes = hasher.finish();
    EXPECT_EQ(hashes.at("MD5Sum"), "900150983cd24fb0d6963f7d28e17f72");
    EXPECT_EQ(hashes.at("SHA1"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    EXPECT_EQ(hashes.at("SHA256"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hashes.at("SHA512").substr(0, 32), "ddaf35a193617abacc417349ae204131");
}

TEST(Hasher, GivesTheKnownSha3OfAbc) {
    MultiHasher hasher({"SHA3-256", "SHA3-512"});
    hasher.add(as_bytes("abc"));
    const auto hashes = hasher.finish();
    EXPECT_EQ(hashes.at("SHA3-256"), "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532");
    EXPECT_EQ(hashes.at("SHA3-512").substr(0, 32), "b751850b1a57168a5693cd924b6b096e");
}

TEST(Hasher, StartsAnewAfterFinish) {
    Sha256 hasher;
    hasher.add(as_bytes("something"));
    hasher.finish();
    hasher.add(as_bytes("abc"));
    EXPECT_EQ(hasher.finish().hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Hasher, ComputesOnlyTheNamedHashesAndSha256) {
    MultiHasher hasher({"SHA1", "CRC32"});
    const auto hashes = hasher.finish();
    EXPECT_EQ(hashes.size(), 2u);
    EXPECT_TRUE(hashes.contains("SHA1"));
    EXPECT_TRUE(hashes.contains("SHA256"));
}

TEST(Hasher, HashesAFileAsSha256sumDoes) {
    const test::TempDir folder;
    const auto text = long_text(1'000'003);
    const auto by_sha256sum = test::run_program({"sha256sum"}, text).substr(0, 64);
    EXPECT_EQ(hash_file(file_with(folder, text))->hex(), by_sha256sum);
    EXPECT_EQ(hash_file(file_with(folder, text), {"SHA512"})->at("SHA256"), by_sha256sum);
}

TEST(Hasher, RangeBeyondTheEndOfTheFileIsBroken) {
    const test::TempDir folder;
    Hasher hasher(HashKind::sha256);
    const auto read = hash_range(file_with(folder, "abc"), {0, 4}, hasher);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().kind, ErrorKind::Broken);
}

TEST(Hasher, EndsBetweenTwoBlocksWhenItsThreadIsStopped) {
    const test::TempDir folder;
    const auto file = file_with(folder, long_text(300'000));
    const std::atomic<bool> stopped = true;
    const StopScope scope(stopped);
    EXPECT_EQ(hash_file(file).error().kind, ErrorKind::Transient);
    EXPECT_EQ(hash_file(file, {"SHA512"}).error().kind, ErrorKind::Transient);
    EXPECT_EQ(piece_hashes(file, {0, 300'000}, 65'536).error().kind, ErrorKind::Transient);
}

TEST(PieceHashes, CoverTheRangeWithAShortLastPiece) {
    const test::TempDir folder;
    const auto text = long_text(150'000);
    const auto pieces = piece_hashes(file_with(folder, text), {0, 150'000}, 65'536);
    ASSERT_TRUE(pieces);
    ASSERT_EQ(pieces->size(), 3u);
    EXPECT_EQ((*pieces)[1], piece_hash_of(as_bytes(std::string_view(text).substr(65'536, 65'536))));
    EXPECT_EQ((*pieces)[2], piece_hash_of(as_bytes(std::string_view(text).substr(131'072))));
}

TEST(PieceHashes, MayStartInTheMiddle) {
    const test::TempDir folder;
    const auto text = long_text(200'000);
    const auto pieces = piece_hashes(file_with(folder, text), {65'536, 196'608}, 65'536);
    ASSERT_TRUE(pieces);
    ASSERT_EQ(pieces->size(), 2u);
    EXPECT_EQ((*pieces)[0], piece_hash_of(as_bytes(std::string_view(text).substr(65'536, 65'536))));
}

}  // namespace
}  // namespace packswarm::verify
