#include "p2p/base/url.hpp"

#include <gtest/gtest.h>

#include "p2p/base/digest.hpp"
#include "p2p/base/log.hpp"

namespace packswarm {
namespace {

TEST(Url, FoldsPercentEncodingsToOneSpelling) {
    const auto a = Url::parse("http://Mirror.Example:80/core/os/x86_64/gtk%2B-1%3A2.0.pkg.tar.zst");
    const auto b = Url::parse("http://mirror.example/core/os/x86_64/gtk+-1:2.0.pkg.tar.zst");
    ASSERT_TRUE(a && b);
    EXPECT_EQ(a->text(), b->text());
    EXPECT_EQ(a->path, "/core/os/x86_64/gtk+-1:2.0.pkg.tar.zst");
}

TEST(Url, AsksAsItWasWritten) {
    for (const std::string spelled :
         {"http://a/b%2bc", "http://a/b+c", "http://a/%7e", "http://a/x/./y", "http://a/%2540", "http://a/?q=%2B"})
        EXPECT_EQ(Url::parse(spelled).value().asked(), spelled);
    EXPECT_EQ(Url::parse("HTTP://A:80").value().asked(), "http://a/");
    EXPECT_EQ(Url::parse("http://user:secret@a/b").value().asked(), "http://a/b");
}

TEST(Url, FoldsDotSegmentsThatStayWhereTheyAre) {
    for (const char* spelled :
         {"http://a/flat/./x.deb", "http://a/./flat/x.deb", "http://a/flat/%2e/x.deb", "http://a/flat/././x.deb"})
        EXPECT_EQ(Url::parse(spelled).value().text(), "http://a/flat/x.deb") << spelled;
    EXPECT_EQ(Url::parse("http://a/flat/.").value().path, "/flat/");
    EXPECT_EQ(Url::parse("http://a/.flat/x..y").value().path, "/.flat/x..y");
}

TEST(Url, WritesPlusAsObjectStoresReadIt) {
    EXPECT_EQ(encode_path("pool/a+b_1:2~c %.deb"), "pool/a%2Bb_1:2~c%20%25.deb");
}

TEST(Url, KeepsPasswordsOutOfItsText) {
    const auto url = Url::parse("https://user:secret@example.org/debian/x.deb");
    ASSERT_TRUE(url);
    EXPECT_TRUE(url->has_credentials);
    EXPECT_EQ(url->text().find("secret"), std::string::npos);
}

TEST(Url, RefusesWhatCouldClimbInjectOrLeaveHttp) {
    for (const char* bad : {"ftp://a/b", "http://a/../etc/passwd", "http://a/%2e%2e/b", "http://a/b%0d%0aX: y",
                            "http://a/b%00", "http://a/b c", "http:///b", "http://a:0/", "http://a:99999/",
                            "http://a/%4", "nonsense", "http://a\"b/", "file:///etc/passwd"})
        EXPECT_FALSE(Url::parse(bad)) << bad;
    EXPECT_FALSE(Url::parse("http://a/" + std::string(5000, 'x')));
}

TEST(Url, UnderstandsIpv6AndPorts) {
    const auto url = Url::parse("http://[::1]:8080/a?b=c");
    ASSERT_TRUE(url);
    EXPECT_EQ(url->host, "[::1]");
    EXPECT_EQ(url->port, 8080);
    EXPECT_EQ(url->text(), "http://[::1]:8080/a?b=c");
}

TEST(Digest, ParsesOnlyWholeHexadecimal) {
    const std::string hex(64, 'A');
    ASSERT_TRUE(Digest::parse(hex));
    EXPECT_EQ(Digest::parse(hex)->hex(), std::string(64, 'a'));
    EXPECT_FALSE(Digest::parse(std::string(63, 'a')));
    EXPECT_FALSE(Digest::parse(std::string(63, 'a') + "g"));
}

TEST(Printable, EscapesControlCharactersAndCuts) {
    EXPECT_EQ(printable("a\r\nb\x1b[1m"), "a\\x0d\\x0ab\\x1b[1m");
    EXPECT_EQ(printable("abcdef", 3), "abc...");
}

}  // namespace
}  // namespace packswarm
