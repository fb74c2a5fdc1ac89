// How long somebody waits for what mirrors do not give: for peers only when they could have it, and for what was in
// vain a moment ago not at all when the asker has another way. And: a root goes with its own signature or not at all.
#include "tests/unit/broker/book_fixture.hpp"

namespace packswarm::broker {
namespace {

class WaitingTest : public test::BookFixture {
  protected:
    static constexpr auto grace = Millis(1500);
    static constexpr const char* in_release = "dists/stable/InRelease";
    static constexpr const char* release = "dists/stable/Release";

    void SetUp() override {
        BookFixture::SetUp();
        broker_.reset();
        broker_ = std::make_unique<Broker>(loop_, mirrors_, peers_, *vault_, *ledger_, trust_,
                                           BrokerSettings{grace, true, formats::all()});
        use({repository("stable", core::Sharing::allowed)});
    }
    struct Outcome {
        int delivered = 0, failed = 0;
        std::string bytes;
        Error error;
        double seconds = 0;
    };
    std::shared_ptr<Outcome> get(const std::string& path, const std::string& asker = "apt",
                                 const std::string& transaction = "one") {
        Request request;
        request.url = "http://stable/" + path;
        request.asker = asker;
        request.transaction = transaction;
        return get(std::move(request));
    }
    std::shared_ptr<Outcome> get(Request request) {
        auto outcome = std::make_shared<Outcome>();
        RequestEvents events;
        events.delivered = [this, outcome, began = loop_.now()](const Delivered& delivered) {
            ++outcome->delivered;
            outcome->seconds = seconds_between(began, loop_.now());
            outcome->bytes.resize(static_cast<std::size_t>(delivered.size));
            ASSERT_TRUE(read_at(*delivered.bytes, 0, std::span(outcome->bytes)));
        };
        events.failed = [this, outcome, began = loop_.now()](const Error& error) {
            ++outcome->failed;
            outcome->seconds = seconds_between(began, loop_.now());
            outcome->error = error;
        };
        broker_->get(std::move(request), std::move(events));
        return outcome;
    }
    // What the mirror publishes; the day is one of July 2026.
    void publish(int day, const std::string& packages = "Package: a\n") {
        test::ReleaseOptions options;
        options.suite = options.codename = "stable";
        constexpr const char* weekdays[] = {"Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Mon"};
        options.date = fmt::format("{}, {:02} Jul 2026 10:00:00 UTC", weekdays[day % 7], day);
        const auto text = test::release_text({{"main/binary-amd64/Packages", packages}}, options);
        mirrors_.files[std::string("/") + release] = text;
        mirrors_.files[std::string("/") + release + ".gpg"] = key_.sign_detached(text);
        mirrors_.files[std::string("/") + in_release] = key_.clearsign(text);
    }
    void unpublish(const std::string& path) { mirrors_.files.erase("/" + path); }
    void fall_silent() { mirrors_.mirrors["http://stable"].fault = test::MirrorManner::Fault::refused_connection; }
    int asked(const std::string& path) { return mirrors_.asked["/" + path]; }
    void settle(Millis time = Millis(20'000)) { loop_.advance(time); }
};

TEST_F(WaitingTest, NobodyIsWaitedForWhenNobodyIsThere) {
    const auto root = get(in_release, "cli");
    settle();
    EXPECT_EQ(root->failed, 1);
    EXPECT_LT(root->seconds, 0.1);
}

TEST_F(WaitingTest, WhoIsConnectedHasToldWhichRootItHolds) {
    peers_.around = {3, 0, true};
    const auto root = get(in_release, "cli");
    settle();
    EXPECT_EQ(root->failed, 1);
    EXPECT_LT(root->seconds, 0.1);
}

TEST_F(WaitingTest, WhoIsBeingDialledMayStillSpeakUp) {
    peers_.around = {0, 1, true};
    const auto root = get(in_release, "cli");
    settle();
    EXPECT_EQ(root->failed, 1);
    EXPECT_GE(root->seconds, 1.5);
    EXPECT_LT(root->seconds, 1.7);
}

TEST_F(WaitingTest, WhatItsOwnMirrorRefusesIsNotWaitedFor) {
    publish(20);
    mirrors_.mirrors["http://stable"].only_for = "somebody else";
    for (const auto& around : {Company{0, 1, true}, Company{0, 0, false}}) {
        peers_.around = around;
        const auto root = get(in_release, "cli");
        settle();
        EXPECT_EQ(root->failed, 1);
        EXPECT_EQ(root->error.kind, ErrorKind::Refused);
        EXPECT_LT(root->seconds, 0.1);
    }
}

TEST_F(WaitingTest, AnAgentThatHasJustStartedWaitsForDiscoverysFirstRound) {
    peers_.around = {0, 0, false};
    const auto root = get(in_release);
    loop_.advance(Millis(2'400));
    EXPECT_EQ(root->failed, 0);
    peers_.around = {0, 0, true};
    loop_.advance(Millis(300));
    EXPECT_EQ(root->failed, 1);
}

TEST_F(WaitingTest, DiscoveryThatNeverEndsIsNotWaitedForWithoutEnd) {
    peers_.around = {0, 0, false};
    const auto root = get(in_release);
    settle();
    EXPECT_EQ(root->failed, 1);
    EXPECT_LT(root->seconds, 7);
}

TEST_F(WaitingTest, PeersOfAPrivateRepositoryAreNotWaitedFor) {
    use({repository("stable", core::Sharing::forbidden)});
    peers_.around = {0, 5, false};
    const auto root = get(in_release);
    settle();
    EXPECT_EQ(root->failed, 1);
    EXPECT_LT(root->seconds, 0.1);
}

TEST_F(WaitingTest, AFileThatMirrorsDoNotHaveWaitsForConnectedPeersOnly) {
    update("stable", {{"pool/a.deb", "a's content"}});
    for (const auto& around : {Company{0, 0, true}, Company{1, 0, true}}) {
        peers_.around = around;
        const auto file = get("pool/a.deb", "cli");
        settle();
        EXPECT_EQ(file->failed, 1);
        EXPECT_EQ(file->seconds >= 1.5, around.connected > 0);
    }
}

TEST_F(WaitingTest, WhatWasNotThereAMomentAgoIsNotAskedForAgainByWhoHasAnotherWay) {
    for (const auto& path : {std::string(in_release), std::string("pool/readme"), std::string(release)})
        for (int i = 0; i < 3; ++i) {
            const auto file = get(path, "apt", std::to_string(i));
            settle();
            EXPECT_EQ(file->failed, 1) << path;
            EXPECT_EQ(file->error.kind, ErrorKind::Absent) << path;
            EXPECT_EQ(asked(path), 1) << path;
        }
    get(in_release, "gateway");
    settle();
    EXPECT_EQ(asked(in_release), 2) << "who has no other way asks the mirror";
}

TEST_F(WaitingTest, WhatWasNotThereIsLookedForAgainAfterAWhile) {
    get(in_release);
    settle();
    publish(2);
    settle(Millis(601'000));
    const auto root = get(in_release);
    settle();
    EXPECT_EQ(root->delivered, 1);
    EXPECT_EQ(asked(in_release), 2);
}

TEST_F(WaitingTest, AfterAReloadEverythingIsAskedForAgain) {
    get(in_release);
    settle();
    publish(2);
    broker_->forget_absences();
    const auto root = get(in_release);
    settle();
    EXPECT_EQ(root->delivered, 1);
}

TEST_F(WaitingTest, ARepositoryThatIsRefusedIsHandedOverAtOnce) {
    publish(2);
    mirrors_.files[std::string("/") + in_release] = "no signature at all\n";
    unpublish(std::string(release) + ".gpg");
    for (int i = 0; i < 3; ++i) {
        for (const auto& path : {std::string(in_release), std::string(release), std::string(release) + ".gpg"}) {
            const auto file = get(path, "apt", std::to_string(i));
            settle();
            EXPECT_EQ(file->failed, 1) << path;
        }
    }
    EXPECT_EQ(asked(in_release), 1);
    EXPECT_LE(asked(release), 1);
    EXPECT_LE(asked(std::string(release) + ".gpg"), 1);
}

TEST_F(WaitingTest, AnIndexThatIsHeldIsAlwaysHeldAgainstItsMirror) {
    publish(2);
    get(in_release);
    settle();
    unpublish(in_release);
    const auto gone = get(in_release);
    settle();
    EXPECT_EQ(gone->failed, 1);
    publish(3);
    const auto newer = get(in_release);
    settle();
    EXPECT_EQ(newer->bytes, mirrors_.files[std::string("/") + in_release]);
}

TEST_F(WaitingTest, TheIndexThatWasVerifiedIsUsedInAnOutageThoughItsMirrorGaveNoDate) {
    publish(2);
    get(in_release);
    settle();
    const auto before = mirrors_.files[std::string("/") + in_release];
    fall_silent();
    const auto root = get(in_release);
    settle();
    EXPECT_EQ(root->bytes, before);
}

TEST_F(WaitingTest, AMirrorThatSaysNothingIsLeftToTheOtherWayAfterASecond) {
    mirrors_.mirrors["http://stable"].fault = test::MirrorManner::Fault::silent;
    const auto first = get(in_release);
    settle(Millis(1'200));
    EXPECT_EQ(first->failed, 1);
    const auto second = get(in_release);
    loop_.drain();
    EXPECT_EQ(second->failed, 1) << "it is set back, and there is nobody else";
}

TEST_F(WaitingTest, ASignatureComesFromWhereItsReleaseCameFrom) {
    publish(2);
    unpublish(in_release);
    const auto root = get(release);
    settle();
    ASSERT_EQ(root->delivered, 1);
    const auto belongs = mirrors_.files[std::string("/") + release + ".gpg"];
    publish(3);
    get(release, "apt", "another");
    settle();
    const auto signature = get(std::string(release) + ".gpg");
    settle();
    EXPECT_EQ(signature->bytes, belongs) << "a newer snapshot came meanwhile";
}

TEST_F(WaitingTest, ASignatureIsNotGivenForAReleaseThatCameFromElsewhere) {
    publish(5);
    unpublish(in_release);
    get(release, "apt", "earlier");
    settle();
    publish(3);  // older than what was seen: refused here, and apt's own takes it as it is
    unpublish(in_release);
    const auto root = get(release);
    settle();
    if (root->delivered == 1) {
        EXPECT_NE(root->bytes, mirrors_.files[std::string("/") + release]);
        return;
    }
    const auto signature = get(std::string(release) + ".gpg");
    settle();
    EXPECT_EQ(signature->failed, 1);
    EXPECT_EQ(signature->error.kind, ErrorKind::Absent);
}

// The peer's index is an InRelease: as a Release it would have no signature that goes with it.
TEST_F(WaitingTest, AMirrorThatAnswersIsNoOutage) {
    publish(2);
    get(in_release);
    settle();
    unpublish(in_release);
    const auto gone = get(in_release);
    settle();
    EXPECT_EQ(gone->error.kind, ErrorKind::Absent) << "apt goes on to Release, as it would without an agent";
    mirrors_.files[std::string("/") + in_release] = "not what anybody signed";
    broker_->forget_absences();
    const auto refused = get(in_release);
    settle();
    EXPECT_EQ(refused->failed, 1) << "apt judges it itself, aloud";
    fall_silent();
    broker_->forget_absences();
    const auto outage = get(in_release);
    settle(Millis(60'000));
    EXPECT_EQ(outage->delivered, 1);
}

TEST_F(WaitingTest, APeersIndexOfTheOtherFormIsNoRelease) {
    publish(2);
    const auto whole = mirrors_.files[std::string("/") + in_release];
    mirrors_.files.clear();
    broker_->ear().peer_up({PeerId{1}, "192.0.2.7:1", "packswarm", Reach::lan, {}, 0, 0, 0});
    peers_.on_get = [&](PeerId, const Digest&, ByteRange, GetEvents events) {
        loop_.post([whole, events = std::move(events)] {
            events.data(0, Bytes(whole.begin(), whole.end()));
            events.done({});
        });
        return FetchId{1};
    };
    const auto lineages = peers_.swarms();
    ASSERT_FALSE(lineages.empty());
    const auto& stable = broker_->book().table().all().front();
    const core::Provenance same_address{{}, {}, {Sightings::address_mark(stable, stable.bases.front())}};
    broker_->ear().peer_snapshot({PeerId{1}, *lineages.begin(), loop_.wall_now(), digest_of(whole),
                                  static_cast<ByteCount>(whole.size()), same_address});
    const auto other = get(release, "gateway");
    settle();
    EXPECT_EQ(other->failed, 1);
    const auto signature = get(std::string(release) + ".gpg", "gateway");
    settle();
    EXPECT_EQ(signature->failed, 1);
    const auto root = get(in_release, "gateway");
    settle();
    EXPECT_EQ(root->bytes, whole);
}

}  // namespace
}  // namespace packswarm::broker
