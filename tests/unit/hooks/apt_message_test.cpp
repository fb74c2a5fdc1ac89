#include "hooks/apt/message.hpp"

#include <gtest/gtest.h>

#include "hooks/apt/config.hpp"
#include "hooks/apt/route.hpp"
#include "p2p/base/limits.hpp"

namespace packswarm::hooks {
namespace {

TEST(AptMessage, FindsFieldsInAnyCase) {
    const auto message = AptMessage::parse("600 URI Acquire\nURI: http://a/b\nFilename: /x y\n\n");
    ASSERT_TRUE(message);
    EXPECT_EQ(message->code(), 600);
    EXPECT_EQ(message->find("uri"), "http://a/b");
    EXPECT_EQ(message->find("FileName"), "/x y");
    EXPECT_EQ(message->find("Size"), "");
}

TEST(AptMessage, JoinsContinuedLines) {
    const auto message = AptMessage::parse("201 URI Done\nGPGVOutput:\n one\n two\n\n");
    ASSERT_TRUE(message);
    EXPECT_EQ(message->find("GPGVOutput"), "\none\ntwo");
}

TEST(AptMessage, RefusesWhatIsNoMessage) {
    for (const auto* text : {"", "URI: x\n\n", "20 short\n\n", "2001 long\n\n", "200 ok\nno colon\n\n",
                             "200 ok\n: nameless\n\n", "200 ok\n continued\n\n"})
        EXPECT_FALSE(AptMessage::parse(text)) << text;
}

TEST(AptMessage, LetsNobodyWriteASecondMessage) {
    AptMessage message(400, "URI Failure");
    message.add("Message", "a\r\n\r\n201 URI Done\nURI: http://x\x01\x7f");
    EXPECT_EQ(message.text(), "400 URI Failure\nMessage: a    201 URI Done URI: http://x  \n\n");
}

TEST(AptMessageReader, CutsAStreamAtBlankLinesWhereverItBreaks) {
    const std::string stream = "100 A\nX: 1\n\n\n201 B\r\nY: 2\r\n\r\n103 C\n\n";
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
        AptMessageReader reader;
        auto messages = reader.feed(stream.substr(0, cut));
        auto rest = reader.feed(stream.substr(cut));
        ASSERT_TRUE(messages && rest);
        messages->insert(messages->end(), rest->begin(), rest->end());
        ASSERT_EQ(messages->size(), 3u) << cut;
        EXPECT_EQ((*messages)[0], "100 A\nX: 1\n\n");
        EXPECT_EQ((*messages)[2], "103 C\n\n");
    }
}

TEST(AptMessageReader, RefusesAMessageWithoutEnd) {
    AptMessageReader reader;
    const std::string part(limits::mib, 'x');
    Result<std::vector<std::string>> last;
    for (int i = 0; i <= limits::max_apt_message / limits::mib && last; ++i) last = reader.feed(part);
    ASSERT_FALSE(last);
    EXPECT_EQ(last.error().kind, ErrorKind::Refused);
}

TEST(AptDate, IsOfUniversalTimeHoweverThatIsSpelled) {
    for (const char* text :
         {"Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 +0000"})
        EXPECT_EQ(parse_apt_date(text), WallTime(Seconds(784111777))) << text;
    EXPECT_FALSE(parse_apt_date("yesterday"));
    EXPECT_FALSE(parse_apt_date("Sun, 06 Nov 1994 08:49:37 +0100"));
}

TEST(ByteCounts, AreDigitsOnly) {
    EXPECT_EQ(parse_byte_count("1234"), 1234);
    for (const auto* text : {"", "-1", "+1", "12x", " 1", "99999999999999999999"})
        EXPECT_FALSE(parse_byte_count(text)) << text;
}

AptConfig config_of(std::initializer_list<const char*> items, std::string_view binary = "http") {
    AptMessage message(601, "Configuration");
    for (const auto* item : items) message.add("Config-Item", item);
    return AptConfig(message, binary);
}

TEST(AptConfig, DecodesAndIgnoresCase) {
    const auto config = config_of({"APT::Sandbox::User=%5fapt", "Packswarm::Socket=/run/a%20b"});
    EXPECT_EQ(config.find("apt::sandbox::user"), "_apt");
    EXPECT_EQ(config.find("Packswarm::Socket"), "/run/a b");
}

TEST(AptConfig, PutsTheMethodsOwnSettingsFirst) {
    const auto items = {"Binary::https::APT::Sandbox::User=root", "APT::Sandbox::User=_apt"};
    EXPECT_EQ(config_of(items, "http").find("APT::Sandbox::User"), "_apt");
    EXPECT_EQ(config_of(items, "https").find("APT::Sandbox::User"), "root");
}

TEST(AptConfig, JoinsPathsUpToTheFirstAbsoluteOne) {
    EXPECT_EQ(config_of({"Dir=/", "Dir::Etc=etc/apt", "Dir::Etc::netrc=auth.conf"}).find_path("Dir::Etc::netrc"),
              "/etc/apt/auth.conf");
    EXPECT_EQ(config_of({"Dir=/", "Dir::Etc=/else/where/", "Dir::Etc::netrc=auth.conf"}).find_path("Dir::Etc::netrc"),
              "/else/where/auth.conf");
    EXPECT_EQ(config_of({"RootDir=/jail/", "Dir=/", "Dir::Etc::netrc=/auth"}).find_path("Dir::Etc::netrc"),
              "/jail/auth");
    EXPECT_EQ(config_of({}).find_path("Dir::Etc::netrc"), "");
}

std::string why_not(const AptConfig& config, const char* uri, AptEnvironment environment = {},
                    const char* proxy = nullptr) {
    AptMessage acquire(600, "URI Acquire");
    acquire.add("URI", uri);
    if (proxy) acquire.add("Proxy", proxy);
    return AptRoute(config, environment).why_not(acquire);
}

TEST(AptRoute, ShowsPlainAddressesToTheAgent) {
    EXPECT_EQ(why_not({}, "http://deb.example/debian/x.deb"), "");
    EXPECT_EQ(why_not({}, "https://deb.example/debian/x%2by.deb"), "");
}

TEST(AptRoute, KeepsCredentialsFromTheAgent) {
    EXPECT_NE(why_not({}, "https://user:pass@deb.example/x.deb"), "");
    EXPECT_NE(why_not({}, "https://token@deb.example/x.deb"), "");
    EXPECT_NE(why_not(config_of({"Acquire::https::SslCert=/etc/me.pem"}), "https://deb.example/x.deb"), "");
    EXPECT_NE(why_not(config_of({"Acquire::https::deb.example::SslKey=/etc/me.key"}), "https://deb.example/x.deb"), "");
    EXPECT_EQ(why_not(config_of({"Acquire::https::other.example::SslKey=/etc/me.key"}), "https://deb.example/x.deb"),
              "");
}

TEST(AptRoute, LeavesProxiedHostsToAptsOwnMethod) {
    EXPECT_NE(why_not(config_of({"Acquire::http::Proxy=http://proxy:3128"}), "http://a.example/x"), "");
    EXPECT_NE(why_not(config_of({"Acquire::http::Proxy=http://proxy:3128"}), "https://a.example/x"), "");
    EXPECT_EQ(why_not(config_of({"Acquire::http::Proxy=http://proxy:3128", "Acquire::http::Proxy::a.example=DIRECT"}),
                      "http://a.example/x"),
              "");
    EXPECT_EQ(why_not(config_of({"Acquire::http::Proxy=http://proxy:3128", "Packswarm::Use-With-Proxy=true"}),
                      "http://a.example/x"),
              "");
    EXPECT_NE(why_not({}, "http://a.example/x", {}, "http://proxy:3128"), "");
    EXPECT_EQ(why_not({}, "http://a.example/x", {}, "DIRECT"), "");
}

TEST(AptRoute, ReadsTheProxyEnvironmentAsAptDoes) {
    const AptEnvironment environment{"http://proxy:3128", "", "internal.example, .other.example"};
    EXPECT_NE(why_not({}, "http://a.example/x", environment), "");
    EXPECT_NE(why_not({}, "https://a.example/x", environment), "") << "https_proxy is not set";
    EXPECT_EQ(why_not({}, "http://deb.internal.example/x", environment), "");
    EXPECT_EQ(why_not({}, "http://deb.other.example/x", environment), "");
    EXPECT_NE(why_not({}, "http://notinternal.example/x", environment), "");
}

TEST(AptRoute, RefusesAddressesThatAreNotOurs) {
    EXPECT_NE(why_not({}, "ftp://a.example/x"), "");
    EXPECT_NE(why_not({}, "http://a.example/../x"), "");
    EXPECT_NE(why_not({}, "http://abcdefghijklmnop.onion/x"), "");
}

TEST(LoginHosts, AreTheMachinesOfAuthConf) {
    const auto hosts = login_hosts(
        "machine a.example\nlogin x password y\nmachine https://B.example:8443/private login machine password z\n");
    EXPECT_EQ(hosts, (std::set<std::string>{"a.example", "b.example", "password"}));
}

TEST(HostOf, ReadsAnyAddress) {
    EXPECT_EQ(host_of("http://u:p@A.Example:80/x"), "a.example");
    EXPECT_EQ(host_of("http://[2001:db8::1]:80/x"), "[2001:db8::1]");
    EXPECT_EQ(host_of("a.example/path"), "a.example");
}

}  // namespace
}  // namespace packswarm::hooks
