#include "hooks/apt/options.hpp"

#include <gtest/gtest.h>

#include "hooks/apt/route.hpp"

namespace packswarm::hooks {
namespace {

AptConfig config_of(const std::vector<std::pair<std::string, std::string>>& items, const std::string& scheme = "http") {
    AptMessage message(601, "Configuration");
    for (const auto& [key, value] : items) message.add("Config-Item", key + "=" + value);
    return {message, scheme};
}

AptFile file_of(const std::string& scheme, AptFileKind kind = AptFileKind::archive,
                const std::string& name = "p_1_all.deb") {
    return {scheme, "m.example", name, kind};
}

TEST(AptOptions, LeaveEverythingToTheAgentWhenNothingIsSetOrOnlyDefaultsAre) {
    const auto config = config_of({{"Acquire::http::Dl-Limit", "0"},
                                   {"Acquire::http::AllowRedirect", "true"},
                                   {"Acquire::https::Verify-Peer", "yes"},
                                   {"Acquire::http::No-Cache", "false"},
                                   {"Acquire::http::Pipeline-Depth", "0"},
                                   {"Acquire::Retries", "1"},
                                   {"Acquire::http::User-Agent-Non-Interactive", "true"},
                                   {"Acquire::Queue-Mode", "host"}});
    for (const auto* scheme : {"http", "https"}) EXPECT_EQ(why_apt_itself(config, file_of(scheme)), "");
}

TEST(AptOptions, OfHttpCountForHttpsUnlessHttpsSaysOtherwise) {
    EXPECT_NE(why_apt_itself(config_of({{"Acquire::http::Dl-Limit", "20"}}), file_of("https")), "");
    EXPECT_EQ(why_apt_itself(config_of({{"Acquire::http::Dl-Limit", "20"}, {"Acquire::https::Dl-Limit", "0"}}),
                             file_of("https")),
              "");
    EXPECT_EQ(why_apt_itself(config_of({{"Acquire::https::Dl-Limit", "20"}}), file_of("http")), "");
}

TEST(AptOptions, OfAHostStandBeforeThoseOfAll) {
    const auto config = config_of({{"Acquire::http::No-Cache", "true"},
                                   {"acquire::HTTP::m.example::no-cache", "off"},
                                   {"Acquire::http::o.example::AllowRedirect", "no"}});
    EXPECT_EQ(why_apt_itself(config, file_of("http")), "");
    auto other = file_of("http");
    other.host = "o.example";
    EXPECT_NE(why_apt_itself(config, other).find("Acquire::http::o.example::AllowRedirect"), std::string::npos);
}

TEST(AptOptions, OfTlsAreNothingToHttp) {
    const auto config = config_of({{"Acquire::https::CaInfo", "/ca.pem"}, {"Acquire::https::Verify-Host", "false"}});
    EXPECT_EQ(why_apt_itself(config, file_of("http")), "");
    EXPECT_NE(why_apt_itself(config, file_of("https")), "");
}

TEST(AptOptions, AreAboutTheFilesThatTheySpeakOf) {
    const auto age = config_of({{"Acquire::http::Max-Age", "60"}}),
               store = config_of({{"Acquire::http::No-Store", "1"}}),
               accept = config_of({{"Acquire::http::SendAccept", "false"}});
    EXPECT_EQ(why_apt_itself(age, file_of("http")), "");
    EXPECT_NE(why_apt_itself(age, file_of("http", AptFileKind::index)), "");
    EXPECT_EQ(why_apt_itself(store, file_of("http", AptFileKind::index)), "");
    EXPECT_NE(why_apt_itself(store, file_of("http")), "");
    EXPECT_EQ(why_apt_itself(accept, file_of("http")), "");
    EXPECT_NE(why_apt_itself(accept, file_of("http", AptFileKind::index, "InRelease")), "");
}

TEST(AptOptions, SayInHowManyProcessesAptWouldFetch) {
    EXPECT_EQ(processes_of_apt(config_of({}), "http"), 11u);
    EXPECT_EQ(processes_of_apt(config_of({{"Acquire::QueueHost::Limit", "2"}}), "http"), 3u);
    for (const auto& [key, value] :
         std::vector<std::pair<std::string, std::string>>{{"Acquire::http::Dl-Limit", "10"},
                                                          {"Acquire::Queue-Mode", "access"},
                                                          {"Acquire::QueueHost::Limit", "0"},
                                                          {"Acquire::QueueHost::Limit", "-1"}})
        EXPECT_EQ(processes_of_apt(config_of({{key, value}}), "http"), 1u) << key << " " << value;
    EXPECT_EQ(processes_of_apt(config_of({{"Acquire::http::Dl-Limit", "10"}}, "https"), "https"), 11u);
}

std::string why_not(const AptConfig& config, const AptEnvironment& environment, const std::string& uri) {
    AptMessage acquire(600, "URI Acquire");
    return AptRoute(config, environment).why_not(acquire.add("URI", uri));
}

TEST(AptRoute, TakesTheProxyOfHttpForHttpsToo) {
    const AptEnvironment environment{"http://proxy:3128", "", "o.example", ""};
    EXPECT_EQ(why_not(config_of({}), environment, "https://m.example/x.deb"), "a proxy is set: http_proxy");
    EXPECT_EQ(why_not(config_of({}), environment, "https://o.example/x.deb"), "");
    EXPECT_EQ(
        why_not(config_of({{"Acquire::http::Proxy::m.example", "DIRECT"}}), environment, "https://m.example/x.deb"),
        "");
    EXPECT_EQ(why_not(config_of({{"Acquire::https::m.example::Proxy", "http://p/"}}), {}, "https://m.example/x.deb"),
              "a proxy is set: Acquire::https::m.example::Proxy");
}

TEST(AptRoute, LeavesHttpsToAptWhereTheEnvironmentNamesCertificates) {
    EXPECT_NE(why_not(config_of({}), {"", "", "", "/ca.pem"}, "https://m.example/x.deb"), "");
    EXPECT_EQ(why_not(config_of({}), {"", "", "", "/ca.pem"}, "http://m.example/x.deb"), "");
}

TEST(AptRoute, KnowsAHostByItsNumbersWithoutBrackets) {
    EXPECT_NE(why_not(config_of({{"Acquire::http::::1::Dl-Limit", "9"}}), {}, "http://[::1]/x.deb"), "");
}

}  // namespace
}  // namespace packswarm::hooks
