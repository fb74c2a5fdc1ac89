// What the owner and others ask of the agent at its socket.
#include "tests/component/control/control_fixture.hpp"

namespace packswarm::control {
namespace {

TEST_F(Control, AnswersTheOwnersQueriesWithArgumentsAndAFile) {
    auto client = connect();
    EXPECT_EQ(client.call("explain", {.package = "hello"}, 10s).value(), R"({"args":"hello","file":"none"})");
    const auto file = file_with("from the owner");
    EXPECT_EQ(client.call("share", {.path = "/x"}, 10s, file.get()).value(),
              R"({"args":"/x","file":"from the owner"})");
    const auto refused = client.call("doctor", {}, 10s);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::Refused);
    EXPECT_EQ(refused.error().message, "not today");
}

TEST_F(Control, RefusesAnAnswerThatDoesNotFitOneLine) {
    auto client = connect();
    EXPECT_EQ(client.call("mirrors", {}, 10s).error().kind, ErrorKind::Refused);
    EXPECT_TRUE(client.call("status", {}, 10s));
}

TEST_F(Control, KeepsOtherEventsWhileACallWaits) {
    auto client = connect();
    const auto id = get(client, client.next_id());
    loop.run([&] { requests.not_modified(id); });
    ASSERT_TRUE(client.call("status", {}, 10s));
    ASSERT_TRUE(client.has_events());
    EXPECT_EQ(next(client).kind, EventKind::not_modified);
}

TEST_F(Control, SurvivesAnAnswerToAClientThatIsGone) {
    {
        auto client = connect();
        ASSERT_TRUE(client.send(Query{1, "peers"}));
        ASSERT_TRUE(loop.until([&] { return view.waiting.size() == 1; }));
    }
    ASSERT_TRUE(has_clients(0));
    loop.run([&] { view.waiting[0](std::string("{}")); });
}

TEST_F(Control, BoundsQueriesInHand) {
    auto client = connect();
    for (std::uint64_t id = 1; id <= limits::max_control_queries + 1; ++id)
        ASSERT_TRUE(client.send(Query{id, "peers"}));
    const auto event = next(client);
    EXPECT_EQ(event.id, limits::max_control_queries + 1);
    EXPECT_EQ(event.error.kind, ErrorKind::Refused);
}

TEST_F(Control, WhatAnAnswerThrowsEndsItsSessionAndNothingElse) {
    auto client = connect();
    auto other = connect();
    const auto before = mishaps();
    const auto answer = client.call("explain", {.package = "throw"}, 10s);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, ErrorKind::Broken);
    EXPECT_TRUE(has_clients(1));
    EXPECT_EQ(mishaps(), before + 1);
    EXPECT_TRUE(other.call("status", {}, 10s));
}

}  // namespace
}  // namespace packswarm::control
