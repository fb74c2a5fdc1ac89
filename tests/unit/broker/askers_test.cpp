#include "p2p/broker/desks/askers.hpp"

#include "p2p/base/limits.hpp"
#include "tests/support/test_loop.hpp"

#include <gtest/gtest.h>

namespace packswarm::broker {
namespace {

// A ledger that keeps the lines.
struct LinesOnly : Ledger {
    std::vector<Floor> floors() override { return {}; }
    void raise_floors(std::vector<Floor>, Then<void> then) override { then({}); }
    std::vector<std::pair<std::string, core::MirrorHealth>> mirror_health() override { return {}; }
    void save_mirror_health(const std::string&, const core::MirrorHealth&) override {}
    void record(const TransferRecord& row) override { rows.push_back(row); }
    std::vector<TransferRecord> rows;
};

class AskersTest : public ::testing::Test {
  protected:
    RequestId ask(Request request, std::string name = "it") {
        RequestEvents events;
        events.started = [this, name](const Started&) { told.push_back(name + " started"); };
        events.progress = [this, name](const Progress&) { told.push_back(name + " progress"); };
        events.delivered = [this, name](const Delivered&) { told.push_back(name + " delivered"); };
        events.not_modified = [this, name] { told.push_back(name + " not modified"); };
        events.failed = [this, name](const Error&) { told.push_back(name + " failed"); };
        return askers.add(std::move(request), std::move(events));
    }
    static Request request_of(const std::string& asker, const std::string& user = "") {
        Request out;
        out.url = "http://a/pool/hello.deb";
        out.asker = asker;
        out.user = user;
        return out;
    }
    static Delivered from(SourceKind kind) { return {nullptr, 5, {}, std::nullopt, {{kind, "", 5, 0}}}; }

    test::FakeLoop loop;
    LinesOnly ledger;
    plan::Board board;
    std::function<bool(RequestId)> other_way = [](RequestId) { return false; };
    Askers askers{loop, ledger, board, [this](RequestId id, const Error&) { return other_way(id); }};
    std::vector<std::string> told;
};

TEST_F(AskersTest, TellsOnceThatAFileHasBegunAndOnceThatItIsHere) {
    const auto id = ask(request_of("cli"));
    askers.tell_started(id, Started{});
    askers.tell_started(id, Started{});
    askers.tell_progress(id, {});
    askers.deliver(id, from(SourceKind::mirror), {"a reason"});
    askers.deliver(id, from(SourceKind::mirror), {});
    askers.tell_progress(id, {});
    EXPECT_EQ(told, (std::vector<std::string>{"it started", "it progress", "it delivered"}));
    ASSERT_EQ(ledger.rows.size(), 1u);
    EXPECT_EQ(ledger.rows[0].outcome, "ok");
    EXPECT_EQ(ledger.rows[0].reasons, std::vector<std::string>{"a reason"});
    EXPECT_EQ(askers.counters().done, 1u);
    EXPECT_TRUE(askers.is_empty());
    EXPECT_EQ(board.delivered, loop.now());
}

TEST_F(AskersTest, WhoHasLeftIsToldNothing) {
    const auto id = ask(request_of("cli"));
    ASSERT_TRUE(askers.take(id));
    EXPECT_FALSE(askers.take(id));
    askers.fail(id, {ErrorKind::Absent, "404"}, {});
    askers.say_not_modified(id, {});
    askers.leave_to_asker(id);
    EXPECT_TRUE(told.empty());
    EXPECT_TRUE(ledger.rows.empty());
    EXPECT_EQ(askers.counters().failed, 0u);
}

TEST_F(AskersTest, AFailureIsNotToldWhileAnotherWayIsTried) {
    const auto id = ask(request_of("cli"));
    int tries = 0;
    other_way = [&](RequestId) { return ++tries == 1; };
    askers.fail(id, {ErrorKind::Refused, "403"}, {});
    EXPECT_TRUE(told.empty());
    EXPECT_NE(askers.find(id), nullptr);
    askers.fail(id, {ErrorKind::Refused, "403"}, {});
    EXPECT_EQ(told, std::vector<std::string>{"it failed"});
    EXPECT_EQ(askers.counters().failed, 1u);
}

TEST_F(AskersTest, WhatNobodyWaitsForHasALineOnlyWhereItWasFetchedForIt) {
    auto ahead = request_of("prefetch");
    ahead.need = Need::prefetch;
    const auto first = ask(ahead), second = ask(ahead), third = ask(ahead);
    EXPECT_TRUE(askers.is_prefetch(first));
    EXPECT_FALSE(askers.is_awaited());
    askers.deliver(first, from(SourceKind::cache), {});
    EXPECT_TRUE(ledger.rows.empty());
    askers.deliver(second, from(SourceKind::mirror), {});
    EXPECT_EQ(ledger.rows.size(), 1u);
    askers.fail(third, {ErrorKind::Absent, "404"}, {});
    EXPECT_EQ(ledger.rows.size(), 1u);
    EXPECT_EQ(askers.counters().failed, 0u);
}

TEST_F(AskersTest, TheFirstIsToldAtOnceAndTheOthersOneByOne) {
    const std::vector ids{ask(request_of("cli")), ask(request_of("cli")), ask(request_of("cli"))};
    std::vector<std::pair<RequestId, bool>> calls;
    askers.in_turn(ids, [&](RequestId id, bool is_first) { calls.emplace_back(id, is_first); });
    ASSERT_EQ(calls.size(), 1u);
    EXPECT_TRUE(calls[0].second);
    loop.step();
    EXPECT_EQ(calls.size(), 2u);
    loop.drain();
    ASSERT_EQ(calls.size(), 3u);
    EXPECT_EQ(calls[2], std::pair(ids[2], false));
}

TEST_F(AskersTest, OneUserWithManyRequestsLeavesPlacesToTheOthers) {
    for (std::size_t i = 0; i <= limits::max_open_requests_per_user; ++i) ask(request_of("cli", "user 1000"));
    EXPECT_TRUE(askers.has_too_many("user 1000"));
    EXPECT_FALSE(askers.has_too_many("user 1001"));
}

TEST_F(AskersTest, WhoCancelsInTheMiddleOfBeingToldHearsNothingMore) {
    auto id = RequestId::none;
    int begun = 0;
    RequestEvents events;
    events.started = [&](const Started&) {
        askers.take(id);
        ++begun;
    };
    events.progress = [](const Progress&) { FAIL(); };
    events.delivered = [](const Delivered&) { FAIL(); };
    id = askers.add(request_of("cli"), std::move(events));
    askers.tell_started(id, Started{});
    askers.tell_progress(id, {});
    askers.deliver(id, from(SourceKind::mirror), {});
    EXPECT_EQ(begun, 1);
}

TEST_F(AskersTest, KnowsTheMannersOfPackageManagers) {
    EXPECT_TRUE(askers.has_other_way(ask(request_of("apt"))));
    EXPECT_FALSE(askers.has_other_way(ask(request_of("pacman"))));
    EXPECT_TRUE(manners_of("pacman").obeys_dates);
}

TEST_F(AskersTest, WhatTheLastWhoLeavesHadBroughtIsCounted) {
    const auto asker = askers.take(ask(request_of("cli")));
    askers.write_off(*asker, {}, 5, {}, {});
    EXPECT_TRUE(ledger.rows.empty());
    askers.write_off(*asker, {}, 5, {{SourceKind::mirror, "http://a", 3, 3}}, {});
    ASSERT_EQ(ledger.rows.size(), 1u);
    EXPECT_EQ(ledger.rows[0].outcome, "given up by its asker");
}

}  // namespace
}  // namespace packswarm::broker
