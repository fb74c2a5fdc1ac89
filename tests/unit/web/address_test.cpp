#include "p2p/web/address.hpp"

#include <gtest/gtest.h>

#include "p2p/web/easy.hpp"

namespace packswarm::web {
namespace {

Result<Address> redirect(const std::string& from, std::string_view location) {
    return Address::parse(from)->redirect(location);
}

TEST(Address, KeepsThePathAsItIsWritten) {
    EXPECT_EQ(Address::parse("http://mirror.test/a/libstdc%2B%2B_1%3a2.deb?x=1#y")->text,
              "http://mirror.test/a/libstdc%2B%2B_1%3a2.deb?x=1");
    for (const std::string written :
         {"http://mirror.test/flat/./x.deb", "http://mirror.test/%7ea/+/~b/%2525", "https://mirror.test/a%2fb"})
        EXPECT_EQ(Address::parse(written)->text, written);
}

TEST(Address, TakesCredentialsOutOfTheText) {
    const auto address = Address::parse("https://us%40er:pa%3Ass@mirror.test/x");
    ASSERT_TRUE(address);
    EXPECT_EQ(address->text, "https://mirror.test/x");
    EXPECT_EQ(address->user, "us@er");
    EXPECT_EQ(address->password, "pa:ss");
    EXPECT_TRUE(address->sends_credentials());
}

TEST(Address, RefusesOtherSchemesAndControlCharacters) {
    for (const char* url : {"ftp://mirror.test/x", "file:///etc/passwd", "mirror.test/x", "http://mirror.test/a b",
                            "http://mirror.test/a\nb", "http://mirror.test/%00", "http:///x", "http://mirror.test/../x",
                            "http://mirror.test/%2e%2e/x"}) {
        const auto address = Address::parse(url);
        ASSERT_FALSE(address) << url;
        EXPECT_EQ(address.error().kind, ErrorKind::Refused);
    }
}

TEST(Redirect, ResolvesRelativeLocations) {
    EXPECT_EQ(redirect("http://a.test/x/y.deb", "z.deb")->text, "http://a.test/x/z.deb");
    EXPECT_EQ(redirect("http://a.test/x/y.deb", "/z.deb")->text, "http://a.test/z.deb");
    EXPECT_EQ(redirect("http://a.test/x/y.deb", "//b.test/z.deb")->text, "http://b.test/z.deb");
}

TEST(Redirect, MayRaiseButNeverLowerTheScheme) {
    EXPECT_TRUE(redirect("http://a.test/x", "https://b.test/x"));
    const auto lowered = redirect("https://a.test/x", "http://b.test/x");
    ASSERT_FALSE(lowered);
    EXPECT_EQ(lowered.error().kind, ErrorKind::Refused);
}

TEST(Redirect, RefusesOtherSchemesAndMalformedTargets) {
    for (const char* location : {"ftp://b.test/x", "file:///etc/passwd", "gopher://b.test/", "http://b.test/\r\nX: y",
                                 "http://b.test/\x01", "http://"})
        EXPECT_FALSE(redirect("http://a.test/x", location)) << location;
    EXPECT_FALSE(redirect("http://a.test/x", "/" + std::string(5000, 'x')));
}

TEST(Redirect, KeepsCredentialsAtTheirOrigin) {
    const std::string from = "http://user:secret@a.test/x";
    EXPECT_TRUE(redirect(from, "/y")->sends_credentials());
    EXPECT_FALSE(redirect(from, "http://b.test/y")->sends_credentials());
    EXPECT_FALSE(redirect(from, "http://a.test:8080/y")->sends_credentials());
    EXPECT_FALSE(redirect(from, "https://a.test/y")->sends_credentials());
    EXPECT_TRUE(redirect(from, "http://b.test/y")->redirect("http://a.test/z")->sends_credentials());
}

TEST(Redirect, IgnoresCredentialsThatTheServerMadeUp) {
    const auto address = redirect("http://a.test/x", "http://who:what@a.test/y");
    ASSERT_TRUE(address);
    EXPECT_EQ(address->text, "http://a.test/y");
    EXPECT_FALSE(address->sends_credentials());
}

}  // namespace
}  // namespace packswarm::web
