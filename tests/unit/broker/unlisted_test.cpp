#include "tests/unit/broker/pacman_fixture.hpp"

namespace packswarm::broker {
namespace {

// Files that no index vouches for: whether who asks can fetch them as well as we would decides who does.
class UnlistedTest : public test::PacmanFixture {
  protected:
    void SetUp() override {
        PacmanFixture::SetUp();
        use_lab();
        mirrors_.files["/notes.txt"] = "notes";
    }
    std::pair<std::string, std::optional<Error>> ask(Request request) {
        std::pair<std::string, std::optional<Error>> outcome;
        RequestEvents events;
        events.delivered = [&](const Delivered& delivered) {
            outcome.first.resize(static_cast<std::size_t>(delivered.size));
            ASSERT_TRUE(read_at(*delivered.bytes, 0, std::span(outcome.first)));
        };
        events.failed = [&](const Error& error) { outcome.second = error; };
        broker_->get(std::move(request), std::move(events));
        loop_.advance(Millis(5'000));
        return outcome;
    }
    RequestId begin(const std::string& url) {
        RequestEvents events;
        events.delivered = [](const Delivered&) {};
        return broker_->get(request(url, Unlisted::handed_through), std::move(events));
    }
    // The server takes one connection, and a file of 100 kB has it.
    void keep_busy(double rate) {
        auto& lab = mirrors_.mirrors["http://lab"];
        lab.connections = 1;
        lab.rate = rate;
        mirrors_.files["/long.txt"] = std::string(100'000, 'l');
        begin("http://lab/long.txt");
        loop_.advance(Millis(100));
    }
    static Request request(const std::string& url, Unlisted unlisted) {
        Request out;
        out.url = url;
        out.asker = "apt";
        out.unlisted = unlisted;
        return out;
    }
};

TEST_F(UnlistedTest, IsHandedThroughToWhoHasNobodyElse) {
    EXPECT_EQ(ask(request("http://lab/notes.txt", Unlisted::handed_through)).first, "notes");
}

TEST_F(UnlistedTest, IsFetchedOnceForAllWhoAskAtATime) {
    mirrors_.mirrors["http://lab"].rate = 50'000;
    const std::string content(100'000, 'l');
    mirrors_.files["/long.txt"] = content;
    const auto first = begin("http://lab/long.txt");
    loop_.advance(Millis(1'000));
    bool started = false;
    std::string heard;
    RequestEvents events;
    events.started = [&](const Started& answer) { started = answer.size == 100'000; };
    events.delivered = [&](const Delivered& delivered) {
        heard.resize(static_cast<std::size_t>(delivered.size));
        ASSERT_TRUE(read_at(*delivered.bytes, 0, std::span(heard)));
    };
    broker_->get(request("http://lab/long.txt", Unlisted::handed_through), std::move(events));
    loop_.advance(Millis(100));
    EXPECT_TRUE(started) << "what has come is there for who comes later";
    broker_->cancel(first);  // the other one goes on
    loop_.advance(Millis(5'000));
    EXPECT_EQ(heard, content);
    EXPECT_EQ(mirrors_.asked["/long.txt"], 1);
}

TEST_F(UnlistedTest, WhoIsToldOfProgressMayLeave) {
    mirrors_.mirrors["http://lab"].rate = 50'000;
    mirrors_.files["/long.txt"] = std::string(100'000, 'l');
    RequestId leaver{};
    int told = 0;
    RequestEvents events;
    events.progress = [&](const Progress& progress) {
        EXPECT_GT(progress.safe, 0);
        ++told;
        broker_->cancel(leaver);
    };
    leaver = broker_->get(request("http://lab/long.txt", Unlisted::handed_through), std::move(events));
    loop_.advance(Millis(5'000));
    EXPECT_EQ(told, 1);
    EXPECT_EQ(ask(request("http://lab/long.txt", Unlisted::handed_through)).first.size(), 100'000u);
}

TEST_F(UnlistedTest, IsFetchedAsOftenAsItIsAskedForInDifferentWays) {
    auto in_part = request("http://lab/notes.txt", Unlisted::handed_through);
    in_part.terms.begin = 2;
    RequestEvents events;
    events.delivered = [](const Delivered&) {};
    begin("http://lab/notes.txt");
    broker_->get(std::move(in_part), std::move(events));
    loop_.advance(Millis(1'000));
    EXPECT_EQ(mirrors_.asked["/notes.txt"], 2);
}

TEST_F(UnlistedTest, OneUsersFetchesWaitForEachOtherAndNotForOthers) {
    mirrors_.mirrors["http://lab"].rate = 1'000;
    for (int i = 0; i < 100; ++i) mirrors_.files[fmt::format("/long{}.txt", i)] = std::string(100'000, 'l');
    std::vector<RequestId> begun;
    for (int i = 0; i < 100; ++i) begun.push_back(begin(fmt::format("http://lab/long{}.txt", i)));
    loop_.advance(Millis(500));
    const auto asked_for = [this] {
        return std::count_if(mirrors_.asked.begin(), mirrors_.asked.end(),
                             [](const auto& one) { return one.second > 0; });
    };
    EXPECT_EQ(asked_for(), static_cast<std::ptrdiff_t>(limits::max_plain_fetches_per_user));
    auto other = request("http://lab/long99.txt", Unlisted::handed_through);
    other.user = "user 1000";
    RequestEvents events;
    events.delivered = [](const Delivered&) {};
    broker_->get(std::move(other), std::move(events));
    loop_.advance(Millis(100));
    EXPECT_EQ(mirrors_.asked["/long99.txt"], 1) << "also what somebody else waits for already";
    broker_->cancel(begun.front());
    loop_.advance(Millis(100));
    EXPECT_EQ(asked_for(), static_cast<std::ptrdiff_t>(limits::max_plain_fetches_per_user) + 2);
    EXPECT_EQ(mirrors_.asked[fmt::format("/long{}.txt", limits::max_plain_fetches_per_user)], 1)
        << "the one that waited longest";
}

TEST_F(UnlistedTest, IsLeftToWhoFetchesItAsWellAndAskedOfNobody) {
    const auto [bytes, error] = ask(request("http://lab/notes.txt", Unlisted::left_to_asker));
    EXPECT_EQ(bytes, "");
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind, ErrorKind::Absent);
    EXPECT_EQ(mirrors_.asked["/notes.txt"], 0);
}

TEST_F(UnlistedTest, WithItsDigestAndSizeItIsAnArtifactAllTheSame) {
    auto known = request("http://lab/notes.txt", Unlisted::left_to_asker);
    known.digest = digest_of("notes");
    known.size = 5;
    EXPECT_EQ(ask(known).first, "notes");
}

// One after the other plain apt and pacman would have got both.
TEST_F(UnlistedTest, WhatAServerOfFewConnectionsRefusesIsAskedForAgainWhenTheOtherTransferHasEnded) {
    keep_busy(50'000);
    const auto [bytes, error] = ask(request("http://lab/notes.txt", Unlisted::handed_through));
    EXPECT_EQ(bytes, "notes") << (error ? error->message : "");
    EXPECT_EQ(mirrors_.asked["/notes.txt"], 2);
    EXPECT_EQ(mirrors_.asked["/long.txt"], 1);
}

TEST_F(UnlistedTest, AServerThatRefusesForLongIsNotWaitedForWithoutEnd) {
    keep_busy(1'000);
    auto asked = request("http://lab/notes.txt", Unlisted::handed_through);
    int failed = 0;
    RequestEvents events;
    events.failed = [&](const Error&) { ++failed; };
    broker_->get(std::move(asked), std::move(events));
    EXPECT_TRUE(loop_.advance_until([&] { return failed > 0; }, Millis(7'000)));
    EXPECT_EQ(mirrors_.asked["/notes.txt"], 2);
}

TEST_F(UnlistedTest, WhoLeavesWhileItWaitsForItsTurnIsForgotten) {
    keep_busy(50'000);
    const auto id = begin("http://lab/notes.txt");
    loop_.advance(Millis(500));
    EXPECT_EQ(mirrors_.asked["/notes.txt"], 1);
    broker_->cancel(id);
    loop_.advance(Millis(10'000));
    EXPECT_EQ(mirrors_.asked["/notes.txt"], 1);
}

}  // namespace
}  // namespace packswarm::broker
