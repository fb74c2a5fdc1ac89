#include "tests/unit/broker/broker_fixture.hpp"

namespace packswarm::broker {
namespace {

TEST_F(BrokerTest, EveryRequestIsAnsweredOnceAndTheSecondTimeFromTheStore) {
    std::vector<std::shared_ptr<Outcome>> outcomes;
    std::vector<std::string> contents;
    for (unsigned i = 0; i < 40; ++i) {
        contents.push_back(content_of(1000 + 5000 * i, i));
        outcomes.push_back(get("/pool/" + std::to_string(i) + ".deb", contents.back()));
    }
    seconds_until(outcomes);
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
        EXPECT_EQ(outcomes[i]->delivered, 1);
        EXPECT_EQ(outcomes[i]->failed, 0);
        EXPECT_EQ(outcomes[i]->bytes, contents[i]);
    }
    loop_.advance(Millis(1000));
    const auto before = sent();
    const auto again = get("/pool/7.deb", contents[7]);
    seconds_until({again});
    EXPECT_EQ(again->bytes, contents[7]);
    EXPECT_EQ(sent(), before);
}

TEST_F(BrokerTest, TwoAskersOfOneFileShareOneTransfer) {
    const auto content = content_of(3 * limits::mib, 1);
    const auto first = get("/pool/x.deb", content);
    const auto second = get("/pool/x.deb", content);
    seconds_until({first, second});
    EXPECT_EQ(first->bytes, content);
    EXPECT_EQ(second->bytes, content);
    EXPECT_LE(sent(), static_cast<ByteCount>(content.size()) * 110 / 100);
}

TEST_F(BrokerTest, WhoTakesFirstBytesAsTheyComeIsShownThoseOfASlowSmallFile) {
    for (auto& [origin, manner] : mirrors_.mirrors) manner.rate = 20'000;
    const auto content = content_of(1'000'000, 1);
    const auto streaming = get("/pool/x.deb", content, true), patient = get("/pool/y.deb", content_of(1'000'000, 2));
    loop_.advance(Millis(3000));
    EXPECT_FALSE(streaming->started) << "a moment later it may be here whole";
    loop_.advance(Millis(20'000));
    EXPECT_TRUE(streaming->started);
    EXPECT_EQ(streaming->safe, plan::head_length(1'000'000));
    EXPECT_FALSE(patient->started);
    const auto late = get("/pool/x.deb", content, true);
    loop_.advance(Millis(200));
    EXPECT_TRUE(late->started);
    EXPECT_EQ(late->safe, plan::head_length(1'000'000));
    seconds_until({streaming, patient, late});
    EXPECT_EQ(streaming->bytes, content);
    EXPECT_EQ(late->bytes, content);
}

TEST_F(BrokerTest, WhatTheOnlyMirrorGivesOfASlowSmallFileIsShown) {
    for (const char* origin : {"http://b", "http://c"}) mirrors_.mirrors[origin].fault = Fault::absent;
    mirrors_.mirrors["http://a"].rate = 20'000;
    auto repository = *broker_->book().table().find(core::RepositoryId("repo"));
    repository.bases = {"http://a"};
    broker_->book().set_repositories(core::RepositoryTable({repository}));
    const auto content = content_of(500'000, 1);
    const auto outcome = get("/pool/x.deb", content, true);
    loop_.advance(Millis(8000));
    EXPECT_EQ(outcome->safe, plan::head_length(500'000));
    seconds_until({outcome});
    EXPECT_EQ(outcome->bytes, content);
}

TEST_F(BrokerTest, WhatTheLastMirrorGivesIsShownWhenAllOthersHaveFailed) {
    for (const char* origin : {"http://b", "http://c"}) mirrors_.mirrors[origin].fault = Fault::refused_connection;
    mirrors_.mirrors["http://a"].rate = mirrors_.mirrors["http://a"].total = 40'000;
    const auto small = content_of(1'000'000, 1), large = content_of(3 * limits::mib, 2);
    const auto first = get("/pool/x.deb", small, true), second = get("/pool/y.deb", large, true);
    loop_.advance(Millis(20'000));
    EXPECT_EQ(first->safe + second->safe, 0) << "another may still say whether it is right";
    loop_.advance(Millis(20'000));
    EXPECT_EQ(first->safe, plan::head_length(1'000'000));
    EXPECT_EQ(second->safe, plan::tuning::head_bytes);
    seconds_until({first, second});
    EXPECT_EQ(first->bytes, small);
    EXPECT_EQ(second->bytes, large);
}

TEST_F(BrokerTest, WhoWasShownOtherBytesThanTheVerifiedOnesIsNotGivenTheRest) {
    for (auto& [origin, manner] : mirrors_.mirrors) manner.rate = 20'000;
    for (const char* origin : {"http://a", "http://b"})
        mirrors_.mirrors[origin].fault = Fault::wrong_bytes;  // and they agree
    const auto content = content_of(500'000, 1);
    const auto shown = get("/pool/x.deb", content, true), patient = get("/pool/x.deb", content);
    seconds_until({shown, patient});
    EXPECT_TRUE(shown->started);
    EXPECT_EQ(shown->failed, 1);
    EXPECT_EQ(shown->error.kind, ErrorKind::Transient);
    EXPECT_EQ(patient->bytes, content);
    const auto again = get("/pool/x.deb", content, true);
    seconds_until({again});
    EXPECT_EQ(again->bytes, content);
}

// pacman would else wait for the whole file without a byte, and give up.
TEST_F(BrokerTest, WhoIsHandedAHeadGoesOnWithItWhenALiarsBytesWentAndItHasComeAgain) {
    mirrors_.mirrors["http://a"] = {5e6, Millis(10), Fault::wrong_bytes};
    mirrors_.mirrors["http://a"].lies_from = limits::mib;
    for (const char* origin : {"http://b", "http://c"}) mirrors_.mirrors[origin].rate = 100'000;
    const auto content = content_of(4 * limits::mib, 3);
    const auto outcome = get("/pool/x.deb", content, true);
    ASSERT_TRUE(loop_.advance_until([&] { return outcome->safe == plan::tuning::head_bytes; }, Millis(60'000)));
    const auto is_caught = [](const SourceShare& share) {
        return share.source == "http://a" && share.wasted >= limits::mib;
    };
    ASSERT_TRUE(loop_.advance_until(
        [&] {
            const auto live = broker_->live();
            return !live.empty() && std::any_of(live.front().sources.begin(), live.front().sources.end(), is_caught);
        },
        Millis(60'000)));
    loop_.advance(Millis(4000));
    EXPECT_EQ(outcome->delivered, 0);
    EXPECT_EQ(outcome->safe, plan::tuning::head_bytes);
    seconds_until({outcome});
    EXPECT_EQ(outcome->bytes, content);
}

TEST_F(BrokerTest, OneLargeFileUsesEveryMirror) {
    mirrors_.mirrors["http://b"].rate = 5e6;
    mirrors_.mirrors["http://c"].rate = 2e6;
    const auto content = content_of(20 * limits::mib, 2);
    const auto outcome = get("/pool/big.deb", content);
    seconds_until({outcome});
    EXPECT_EQ(outcome->bytes, content);
    for (const char* origin : {"http://a", "http://b", "http://c"})
        EXPECT_GT(mirrors_.sent[origin], limits::mib) << origin;
    EXPECT_LE(sent(), static_cast<ByteCount>(content.size()) * 105 / 100);
}

struct FaultCase {
    Fault fault;
    const char* name;
};
class BrokerFault : public BrokerTest, public ::testing::WithParamInterface<FaultCase> {};

TEST_P(BrokerFault, CostsRetriesNeverTheFiles) {
    mirrors_.mirrors["http://a"] = {20e6, Millis(10), GetParam().fault};
    std::vector<std::shared_ptr<Outcome>> outcomes;
    std::vector<std::string> contents;
    ByteCount needed = 0;
    for (unsigned i = 0; i < 30; ++i) {
        contents.push_back(content_of(i < 27 ? 20'000 + 1000 * i : 8 * limits::mib, i));
        needed += static_cast<ByteCount>(contents.back().size());
        outcomes.push_back(get("/pool/" + std::to_string(i) + ".deb", contents.back()));
    }
    const double seconds = seconds_until(outcomes);
    for (std::size_t i = 0; i < outcomes.size(); ++i)
        EXPECT_EQ(outcomes[i]->bytes, contents[i]) << outcomes[i]->error.message;
    EXPECT_LT(seconds, 30);
    EXPECT_LE(sent(), needed * 125 / 100);
}

INSTANTIATE_TEST_SUITE_P(Mirror, BrokerFault,
                         ::testing::Values(FaultCase{Fault::absent, "absent"},
                                           FaultCase{Fault::refused_connection, "refused"},
                                           FaultCase{Fault::silent, "silent"},
                                           FaultCase{Fault::wrong_bytes, "wrong_bytes"},
                                           FaultCase{Fault::dribble, "dribble"}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_F(BrokerTest, AWrongFileIsNeverStoredOrHandedOver) {
    for (auto& [origin, manner] : mirrors_.mirrors) manner.fault = Fault::wrong_bytes;
    const auto small = get("/pool/small.deb", content_of(5000, 1));
    const auto large = get("/pool/large.deb", content_of(3 * limits::mib, 2));
    seconds_until({small, large}, Millis(600'000));
    for (const auto& outcome : {small, large}) {
        EXPECT_EQ(outcome->delivered, 0);
        EXPECT_EQ(outcome->failed, 1);
        EXPECT_EQ(outcome->error.kind, ErrorKind::Corrupt) << outcome->error.message;
    }
    loop_.advance(Millis(5000));
    EXPECT_TRUE(vault_->digests().empty());
}

TEST_F(BrokerTest, ACancelledRequestIsForgottenAndOthersGoOn) {
    const auto content = content_of(10 * limits::mib, 3);
    mirrors_.files["/pool/y.deb"] = content;
    Request request;
    request.url = "http://a/pool/y.deb";
    request.digest = verify::digest_of(as_bytes(content));
    request.size = static_cast<ByteCount>(content.size());
    const auto id = broker_->get(request, {[](const Started&) {}, [](const Progress&) {},
                                           [](const Delivered&) { FAIL(); }, [] {}, [](const Error&) { FAIL(); }});
    const auto other = get("/pool/y.deb", content);
    loop_.advance(Millis(50));
    broker_->cancel(id);
    seconds_until({other});
    EXPECT_EQ(other->bytes, content);
}

TEST_F(BrokerTest, ARequestIsCancelledWhileTheAnswerAboutItsDigestWaits) {
    for (const bool is_right : {true, false}) {
        const auto content = content_of(20'000, is_right ? 4 : 5);
        const std::string path = is_right ? "/pool/right.deb" : "/pool/wrong.deb";
        mirrors_.files[path] = is_right ? content : content_of(20'000, 6);
        Request request;
        request.url = "http://a" + path;
        request.digest = verify::digest_of(as_bytes(content));
        request.size = static_cast<ByteCount>(content.size());
        const auto id = broker_->get(request, {[](const Started&) {}, [](const Progress&) {},
                                               [](const Delivered&) { FAIL(); }, [] {}, [](const Error&) { FAIL(); }});
        bool is_cancelled = false;
        workers_.interrupt = [&] {
            broker_->cancel(id);
            is_cancelled = true;
        };
        ASSERT_TRUE(loop_.advance_until([&] { return is_cancelled; }));
        loop_.advance(Millis(5000));
        const auto again = get(path, content);
        seconds_until({again});
        EXPECT_EQ(again->bytes, content);
    }
}

// ---- What unfinished transfers leave
// ---------------------------------------------------------------------------------------

class RemainsOfBrokerTest : public BrokerTest {
  protected:
    void SetUp() override {
        BrokerTest::SetUp();
        all_mirrors({4e6, Millis(10), Fault::none, 4e6});
    }
    void all_mirrors(const MirrorManner& manner) {
        for (auto& [origin, one] : mirrors_.mirrors) one = manner;
    }
    // Asks for the file and loses interest when half of it has come.
    void interrupt_at_half(const std::string& path, const std::string& content) {
        const auto before = sent();
        get(path, content);
        loop_.advance_until([&] { return sent() - before > static_cast<ByteCount>(content.size()) / 2; });
        broker_->cancel(asked_);
        loop_.drain();
    }
    ByteCount staged() const { return vault_->usage().staged + vault_->usage().loose; }
    const std::string content_ = content_of(8 * limits::mib, 7);
    const ByteCount size_ = static_cast<ByteCount>(content_.size());
    const ByteCount slack_ = size_ / 10;
};

TEST_F(RemainsOfBrokerTest, WhatACancelledTransferBroughtIsNotFetchedAgain) {
    interrupt_at_half("/pool/x.deb", content_);
    const auto again = get("/pool/x.deb", content_);
    seconds_until({again});
    EXPECT_EQ(again->bytes, content_);
    EXPECT_LE(sent(), size_ + slack_);
    ByteCount told = 0;
    for (const auto& share : again->sources) told += share.bytes - share.wasted;
    EXPECT_EQ(told, size_) << "the record names the givers of everything";
    loop_.advance(Millis(1000));
    EXPECT_EQ(staged(), 0);
}

TEST_F(RemainsOfBrokerTest, WhatAFailedTransferBroughtIsNotFetchedAgain) {
    const auto failed = get("/pool/x.deb", content_);
    loop_.advance_until([&] { return sent() > size_ / 2; });
    all_mirrors({4e6, Millis(10), Fault::refused_connection});
    seconds_until({failed});
    EXPECT_EQ(failed->failed, 1);
    all_mirrors({4e6, Millis(10), Fault::none, 4e6});
    const auto again = get("/pool/x.deb", content_);
    seconds_until({again});
    EXPECT_EQ(again->bytes, content_);
    EXPECT_LE(sent(), size_ + slack_);
}

TEST_F(RemainsOfBrokerTest, TheNextTransferMayBeInterruptedAsWell) {
    for (int i = 0; i < 3; ++i) {
        get("/pool/x.deb", content_);
        loop_.advance(Millis(250));
        broker_->cancel(asked_);
        loop_.drain();
    }
    const auto again = get("/pool/x.deb", content_);
    seconds_until({again});
    EXPECT_EQ(again->bytes, content_);
    EXPECT_LE(sent(), size_ + slack_);
}

TEST_F(RemainsOfBrokerTest, AWrongDigestLeavesNothing) {
    all_mirrors({4e6, Millis(10), Fault::wrong_bytes});
    const auto wrong = get("/pool/x.deb", content_);
    seconds_until({wrong}, Millis(600'000));
    EXPECT_EQ(wrong->error.kind, ErrorKind::Corrupt);
    loop_.drain();
    EXPECT_EQ(staged(), 0);
}

TEST_F(RemainsOfBrokerTest, WhatALiarGaveGoesWhenItIsCaughtElsewhere) {
    loop_.after(Millis(300),
                [this] { mirrors_.mirrors["http://a"].fault = Fault::wrong_bytes; });  // when heads have been compared
    interrupt_at_half("/pool/x.deb", content_);
    for (const char* origin : {"http://b", "http://c"}) mirrors_.mirrors[origin].fault = Fault::refused_connection;
    seconds_until({get("/pool/small.deb", content_of(20'000, 8))});
    EXPECT_EQ(broker_->sources().mirrors().front().second.corrupt, 1U);
    all_mirrors({4e6, Millis(10), Fault::none, 4e6});
    const auto before = sent();
    const auto again = get("/pool/x.deb", content_);
    seconds_until({again});
    EXPECT_EQ(again->bytes, content_);
    EXPECT_LE(sent() - before, size_ * 8 / 10) << "what the others gave stayed";
    for (const auto& share : again->sources) EXPECT_LE(share.wasted, 64 * limits::kib) << "it was wrong at first";
}

TEST_F(RemainsOfBrokerTest, ACompleteFileThatNobodyWaitedForIsOnlyVerified) {
    bool is_cancelled = false;
    get("/pool/x.deb", content_);
    const Task cancel_when_complete = [&] {
        is_cancelled = broker_->live().front().received == size_;
        is_cancelled ? broker_->cancel(asked_) : void(workers_.interrupt = cancel_when_complete);
    };
    workers_.interrupt = cancel_when_complete;
    ASSERT_TRUE(loop_.advance_until([&] { return is_cancelled; }));
    const auto before = sent();
    const auto again = get("/pool/x.deb", content_);
    seconds_until({again});
    EXPECT_EQ(again->bytes, content_);
    EXPECT_LE(sent() - before, 64 * limits::kib);
}

TEST_F(RemainsOfBrokerTest, TheyStandInNobodysWay) {
    const auto kept = get("/pool/kept.deb", content_of(3 * limits::mib, 9));
    seconds_until({kept});
    loop_.advance(Millis(1000));
    vault_->set_limits(20 * limits::mib, 0);
    interrupt_at_half("/pool/x.deb", content_);
    EXPECT_GE(staged(), size_ / 2);
    const auto other = get("/pool/other.deb", content_of(8 * limits::mib, 10));
    seconds_until({other});
    EXPECT_EQ(other->delivered, 1) << other->error.message;
    loop_.advance(Millis(1000));
    EXPECT_GE(staged(), size_ / 2) << "no index lists either: there is room for both beside the quota";
    EXPECT_EQ(vault_->digests().size(), 2U) << "nothing stored went for them";
}

TEST_F(RemainsOfBrokerTest, SmallFilesAndOldRemainsAreNotKept) {
    mirrors_.mirrors["http://a"].rate = mirrors_.mirrors["http://b"].rate = mirrors_.mirrors["http://c"].rate = 1e5;
    interrupt_at_half("/pool/small.deb", content_of(limits::small_artifact, 11));
    EXPECT_EQ(staged(), 0);
    all_mirrors({4e6, Millis(10), Fault::none, 4e6});
    interrupt_at_half("/pool/x.deb", content_);
    EXPECT_GE(staged(), size_ / 2);
    loop_.advance(std::chrono::duration_cast<Millis>(limits::remains_kept));
    EXPECT_EQ(staged(), 0);
}

TEST_F(BrokerTest, RefusesPasswordsAndSizesThatTheAskerForbade) {
    Request request;
    request.url = "http://user:pw@a/pool/x.deb";
    auto outcome = std::make_shared<Outcome>();
    const RequestEvents events{[](const Started&) {}, [](const Progress&) {}, [](const Delivered&) { FAIL(); }, [] {},
                               [outcome](const Error& error) { ++outcome->failed, outcome->error = error; }};
    broker_->get(request, events);
    loop_.drain();
    EXPECT_EQ(outcome->error.kind, ErrorKind::Refused);
    EXPECT_EQ(outcome->error.message.find("pw"), std::string::npos);
    request.url = "http://a/pool/x.deb";
    request.size = 1000;
    request.max_size = 999;
    request.digest = Digest{};
    broker_->get(request, events);
    loop_.drain();
    EXPECT_EQ(outcome->failed, 2);
}

}  // namespace
}  // namespace packswarm::broker
