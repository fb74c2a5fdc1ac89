#include "p2p/cli/internet_question.hpp"

#include <gtest/gtest.h>

namespace packswarm::cli {
namespace {

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

TEST(InternetQuestion, NamesTheAgentsOwnLimitsAndPort) {
    const auto text = internet_question(
        R"({"sharing":{"cap":2097152,"month":{"sent":1,"quota":1073741824}},"swarm":"0.0.0.0:7001"})", BeFound::no);
    for (const auto* part : {"2.0 MiB a second", "1.0 GiB a month", "listens on 7001", "which public repositories",
                             "which packages", "private repositories, and what is installed"})
        EXPECT_TRUE(has(text, part)) << part << "\n" << text;
    EXPECT_FALSE(has(text, "anybody who asks"));
}

TEST(InternetQuestion, WithoutAnAnswerTheUsualLimitsAreNamed) {
    for (const auto* answer : {"{}", "", "no json", "[1]", R"({"sharing":7})"}) {
        const auto text = internet_question(answer, BeFound::no);
        EXPECT_TRUE(has(text, "1.0 MiB a second") && has(text, "50.0 GiB a month") && has(text, "26881")) << text;
    }
    EXPECT_TRUE(has(internet_question(R"({"sharing":{"cap":null}})", BeFound::no), "without a limit a second"));
}

TEST(InternetQuestion, ToBeFoundIsSaidWithThePortThatIsOpened) {
    const auto text = internet_question("{}", BeFound::yes);
    EXPECT_TRUE(has(text, "anybody who asks the DHT"));
    EXPECT_TRUE(has(text, "asked by UPnP and NAT-PMP to open 26881"));
}

}  // namespace
}  // namespace packswarm::cli
