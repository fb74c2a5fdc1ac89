#include "verify/clearsigned.hpp"

#include <gtest/gtest.h>

namespace packswarm::verify {
namespace {

const std::string head = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n";
const std::string tail = "-----BEGIN PGP SIGNATURE-----\n\nabcd\n-----END PGP SIGNATURE-----\n";

Result<Clearsigned> cut(const std::string& message) { return cut_clearsigned(as_bytes(message)); }

void expect_bad(const std::string& message, std::string_view part) {
    const auto parts = cut(message);
    ASSERT_FALSE(parts) << message;
    EXPECT_EQ(parts.error().kind, ErrorKind::Corrupt);
    EXPECT_NE(parts.error().message.find(part), std::string::npos) << parts.error().message;
}

TEST(Clearsigned, IsCutIntoTextAndSignature) {
    const auto parts = cut(head + "a: 1\n- -b\n- - c\n\nd \t\n" + tail);
    ASSERT_TRUE(parts) << parts.error().message;
    EXPECT_EQ(parts->text, "a: 1\n-b\n- c\n\nd");
    EXPECT_EQ(parts->signatures, tail);
}

TEST(Clearsigned, KeepsBlankLinesAtBothEndsOfTheText) { EXPECT_EQ(cut(head + "\n\na\n\n" + tail)->text, "\n\na\n"); }

TEST(Clearsigned, MayHaveSeveralSignaturesAndNoFinalLineEnd) {
    EXPECT_EQ(cut(head + "a\n" + tail + tail)->signatures, tail + tail);
    EXPECT_EQ(cut(head + "a\n" + tail.substr(0, tail.size() - 1))->signatures, tail);
}

TEST(Clearsigned, MayHaveAnyHeaderThatChangesNothing) {
    EXPECT_EQ(cut("-----BEGIN PGP SIGNED MESSAGE-----\n\na\n" + tail)->text, "a");
    EXPECT_EQ(cut("-----BEGIN PGP SIGNED MESSAGE-----\nVersion: 1\nHash:x\n \na\n" + tail)->text, "a");
    expect_bad("-----BEGIN PGP SIGNED MESSAGE-----\nNotDashEscaped: yes\n\na\n" + tail, "header");
    expect_bad("-----BEGIN PGP SIGNED MESSAGE-----\n-x\n\na\n" + tail, "misplaced");
}

// What apt's own parser refuses (apt-pkg/contrib/gpgv.cc, SplitClearSignedFile): nobody may read another text than was
// checked.
TEST(Clearsigned, HasNothingAroundOrBetweenItsParts) {
    expect_bad("x\n" + head + "a\n" + tail, "before");
    expect_bad("\n" + head + "a\n" + tail, "before");
    expect_bad(head + "a\n" + tail + "x\n", "after");
    expect_bad(head + "a\n" + tail + head + "b\n" + tail, "after");
    expect_bad(head + head + "a\n" + tail, "misplaced");
    expect_bad(head + "a\n-----BEGIN PGP MESSAGE-----\n" + tail, "misplaced");
    expect_bad(head + "a\n-\n" + tail, "misplaced");
    expect_bad(head + "a\n-----BEGIN PGP SIGNATURE-----\n" + tail, "misplaced");
    expect_bad(head + "a\n-----BEGIN PGP SIGNATURE-----\n-----BEGIN PGP SIGNED MESSAGE-----\n" + tail, "misplaced");
    expect_bad(head + "a\n", "cut short");
    expect_bad(head + "a\n-----BEGIN PGP SIGNATURE-----\nabcd\n", "cut short");
    expect_bad(head + std::string("a\0b\n", 4) + tail, "NUL");
    expect_bad("", "cut short");
}

}  // namespace
}  // namespace packswarm::verify
