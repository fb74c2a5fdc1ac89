// What an asker without a way of its own past the agent (pacman, apt behind the proxy) is told of its own mirror's
// root.
#include "tests/unit/broker/pacman_fixture.hpp"

namespace packswarm::broker {
namespace {

class OwnRootTest : public test::PacmanFixture {
  protected:
    void SetUp() override {
        PacmanFixture::SetUp();
        use_lab();
    }
    void publish(const std::string& name, const std::string& signed_at, WallTime modified) {
        test::PacmanPackage package;
        package.name = name;
        package.file = name;
        packages_.push_back(package);
        const auto database = test::pacman_database(packages_);
        set(database, key_.sign_detached(database, {.at = signed_at}), modified);
    }
    void set(const std::string& database, const std::string& signature, WallTime modified) {
        mirrors_.files["/lab.db"] = database;
        mirrors_.files["/lab.db.sig"] = signature;
        mirrors_.modified["/lab.db"] = mirrors_.modified["/lab.db.sig"] = modified;
    }
    std::shared_ptr<Outcome> ask(const std::string& file, std::optional<WallTime> since = std::nullopt) {
        auto outcome = get(file, nullptr, since);
        loop_.advance(Millis(5'000));
        return outcome;
    }
    static WallTime at(int seconds) { return WallTime(Seconds(1'782'900'000 + seconds)); }

    std::vector<test::PacmanPackage> packages_;
};

TEST_F(OwnRootTest, ADatabaseThatPacmanPassesOverForItsOlderDateBringsNoSignatureEither) {
    publish("one", "20260701T080000", at(100));
    ask("lab.db");
    publish("two", "20260701T090000", at(50));
    const auto database = ask("lab.db", at(100));
    EXPECT_EQ(database->bytes, mirrors_.files["/lab.db"]) << "what pacman makes of it is pacman's";
    EXPECT_EQ(ask("lab.db.sig", at(100))->not_modified, 1);
    EXPECT_EQ(ask("lab.db.sig")->bytes, mirrors_.files["/lab.db.sig"]) << "who has none is given it";
}

TEST_F(OwnRootTest, ADatabaseOfALaterDateBringsItsSignature) {
    publish("one", "20260701T080000", at(100));
    ask("lab.db");
    publish("two", "20260701T090000", at(150));
    EXPECT_EQ(ask("lab.db", at(100))->bytes, mirrors_.files["/lab.db"]);
    EXPECT_EQ(ask("lab.db.sig", at(100))->bytes, mirrors_.files["/lab.db.sig"]);
}

// pacman would date its copy by its clock, and be told "not modified" by its mirror once the agent is gone.
TEST_F(OwnRootTest, ADatabaseBearsItsMirrorsDateThoughTheAskersCopyBearsItToo) {
    publish("one", "20260701T080000", at(100));
    ask("lab.db");
    publish("two", "20260701T090000", at(150));
    const auto database = ask("lab.db", at(150));
    EXPECT_EQ(database->bytes, mirrors_.files["/lab.db"]) << "nobody says that the asker's are these bytes";
    EXPECT_EQ(database->modified, at(150));
    EXPECT_EQ(ask("lab.db.sig", at(150))->not_modified, 1)
        << "pacman keeps its copy, whatever it is, and its signature";
}

TEST_F(OwnRootTest, WhatIsNotBelievedHereIsHandedThroughWithWhatSignsIt) {
    publish("one", "20260701T080000", at(100));
    ask("lab.db");
    ask("lab.db.sig");
    set("no database that anybody signed", "no signature", at(200));
    EXPECT_EQ(ask("lab.db", at(100))->bytes, "no database that anybody signed");
    EXPECT_EQ(ask("lab.db.sig", at(100))->bytes, "no signature") << "not the former one's";
    EXPECT_EQ(book().state_of(lab_.id).root->index.entries.size(), 1U) << "what was verified stays";
}

// An agent that was killed before it had the new one on its disk: pacman got it past us, and its date is no answer to
// the former's.
TEST_F(OwnRootTest, AnAskerWithALaterDateHasHadANewerOneElsewhere) {
    publish("one", "20260701T080000", at(100));
    ask("lab.db");
    publish("two", "20260701T090000", at(100));  // as a server answers that says "not modified" to every later date
    ask("lab.db", at(200));
    EXPECT_EQ(book().state_of(lab_.id).root->index.entries.size(), 2U);
}

// Another transfer of ours is there, which the asker alone would not have had.
TEST_F(OwnRootTest, AMirrorOfFewConnectionsIsNoOutage) {
    publish("one", "20260701T080000", at(100));
    ask("lab.db");
    publish("two", "20260701T090000", at(150));
    auto& manner = mirrors_.mirrors["http://lab"];
    manner.connections = 1;
    manner.rate = 1e6;
    mirrors_.files["/notes.txt"] = std::string(700'000, 'x');
    const auto other = get("notes.txt");
    loop_.advance(Millis(200));
    EXPECT_EQ(ask("lab.db", at(100))->bytes, mirrors_.files["/lab.db"]);
    EXPECT_EQ(other->delivered, 1);
}

TEST_F(OwnRootTest, AMirrorThatIsGoneIsNotAskedTwiceBecauseOthersAskItToo) {
    publish("one", "20260701T080000", at(100));
    const auto before = ask("lab.db")->bytes;
    mirrors_.mirrors["http://lab"].fault = test::MirrorManner::Fault::silent;
    mirrors_.asked.clear();
    get("notes.txt");
    const auto database = get("lab.db");
    loop_.advance(Millis(120'000));
    EXPECT_EQ(database->bytes, before);
    EXPECT_EQ(mirrors_.asked["/lab.db"], 1);
}

TEST_F(OwnRootTest, WhatNoMirrorAnswersIsTheNewestThatWasVerified) {
    publish("one", "20260701T080000", at(100));
    const auto before = ask("lab.db")->bytes;
    mirrors_.mirrors["http://lab"].fault = test::MirrorManner::Fault::refused_connection;
    EXPECT_EQ(ask("lab.db")->bytes, before);
}

// apt goes on to other files of a repository whose first one is absent, and stops where a server is not there.
TEST_F(OwnRootTest, ThatAnotherMirrorHasNoneIsNotSaidOfOneThatDoesNotAnswer) {
    lab_.bases = {"http://lab", "http://other"};
    use({lab_});
    mirrors_.mirrors["http://lab"].fault = test::MirrorManner::Fault::refused_connection;
    const auto database = ask("lab.db");
    EXPECT_EQ(database->failed, 1);
    EXPECT_EQ(database->kind, ErrorKind::Transient) << database->error;
    EXPECT_GE(mirrors_.asked["/lab.db"], 2) << "both were asked";
}

TEST_F(OwnRootTest, AListedPackageOfAMirrorThatRefusesConnectionsFailsAsSoonAsPlainWould) {
    publish("one", "20260701T080000", at(100));
    ask("lab.db");
    mirrors_.mirrors["http://lab"].fault = test::MirrorManner::Fault::refused_connection;
    for (int time = 0; time < 3; ++time) {
        const auto began = loop_.now();
        const auto outcome = get(packages_.front().file_name());
        while (outcome->failed == 0 && seconds_between(began, loop_.now()) < 10) loop_.advance(Millis(10));
        EXPECT_LT(seconds_between(began, loop_.now()), 0.1);
    }
}

// As Acquire::http::User-Agent in the configuration of an apt behind the proxy.
TEST_F(OwnRootTest, WhatTheServerGivesToTheAskersNameOnlyIsAskedForByThatOne) {
    publish("one", "20260701T080000", at(100));
    mirrors_.mirrors["http://lab"].only_for = "corp-updater/1.0";
    const auto requests_for = [&](const std::string& file, const std::string& name, const std::string& bytes) {
        user_agent_ = name;
        const auto before = mirrors_.urls.size();
        EXPECT_EQ(ask(file)->bytes, bytes);
        return mirrors_.urls.size() - before;
    };
    for (const std::string file : {"lab.db", "lab.db.sig"}) {
        EXPECT_EQ(requests_for(file, "", ""), 1U) << "of a usual name nothing is made";
        EXPECT_EQ(requests_for(file, "corp-updater/1.0", mirrors_.files["/" + file]), 2U);
        EXPECT_EQ(requests_for(file, "other/1.0", ""), 2U) << "and then it fails";
    }
}

TEST_F(OwnRootTest, APackageThatTheServerGivesToTheAskersNameOnlyIsAskedForByThatOne) {
    publish("one", "20260701T080000", at(100));
    ask("lab.db");
    ASSERT_EQ(book().state_of(lab_.id).root->index.entries.size(), 1U);
    const auto file = packages_.front().file_name();
    mirrors_.files["/" + file] = packages_.front().file;
    mirrors_.mirrors["http://lab"].only_for = "corp-updater/1.0";
    EXPECT_EQ(ask(file)->failed, 1);
    user_agent_ = "corp-updater/1.0";
    EXPECT_EQ(ask(file)->bytes, packages_.front().file);
}

// It would be a third of all the memory that the agent may have.
TEST_F(OwnRootTest, ADatabaseBeyondWhatAllMayTakeInMemoryIsHandedThrough) {
    publish("one", "20260701T080000", at(100));
    const std::string huge(static_cast<std::size_t>(limits::max_roots_in_memory) + 1'000'000, 'x');
    set(huge, "no signature", at(200));
    const auto outcome = ask("lab.db");
    loop_.advance(Millis(60'000));
    EXPECT_EQ(outcome->bytes.size(), huge.size()) << outcome->error;
    EXPECT_TRUE(outcome->bytes == huge);
    publish("two", "20260701T090000", at(300));
    EXPECT_EQ(ask("lab.db")->bytes, mirrors_.files["/lab.db"]) << "nothing of it is kept";
}

TEST_F(OwnRootTest, WhoLeavesAtAnyMomentOfItsAnswerHarmsNobody) {
    int steps = 0;
    for (bool answered = false; !answered; ++steps) {
        ASSERT_LT(steps, 1'000);
        packages_.clear();
        publish("one" + std::to_string(steps), "20260701T080000",
                at(100 + steps));  // each time there is all to be done
        const auto now = std::chrono::floor<Millis>(loop_.now().time_since_epoch());
        loop_.advance(Millis(1'000) - now % Millis(1'000));  // the broker's own timers count as steps
        RequestId id{};
        const auto left = get("lab.db", &id);
        for (int step = 0; step < steps && left->delivered == 0; ++step) ASSERT_TRUE(loop_.step());
        answered = left->delivered > 0;
        broker_->cancel(id);
        loop_.advance(Millis(5'000));
        EXPECT_EQ(left->delivered + left->failed, answered ? 1 : 0);
    }
    EXPECT_GT(steps, 5);
    EXPECT_EQ(ask("lab.db")->delivered, 1);
}

}  // namespace
}  // namespace packswarm::broker
