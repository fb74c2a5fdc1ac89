#include "tests/unit/broker/pacman_fixture.hpp"

namespace packswarm::broker {
namespace {

// pacman behind a CacheServer line: databases come to it past the agent, which is asked for packages only.
class NewerIndexTest : public test::PacmanFixture {
  protected:
    void SetUp() override {
        PacmanFixture::SetUp();
        use_lab();
    }
    // The mirror has a package, and a database with it and all before it.
    std::string publish(const std::string& name, const std::string& time) {
        test::PacmanPackage package;
        package.name = name;
        package.file = std::string(30'000, 'x') + name;
        package.signature = "signature";
        packages_.push_back(package);
        mirrors_.files["/" + package.file_name()] = package.file;
        const auto database = test::pacman_database(packages_);
        mirrors_.files["/lab.db"] = database;
        mirrors_.files["/lab.db.sig"] = key_.sign_detached(database, {.at = time});
        return package.file_name();
    }
    // Other bytes under the name, in the mirror's database too.
    void publish_again(const std::string& file, const std::string& content, const std::string& time) {
        std::erase_if(packages_, [&](const auto& package) { return package.file_name() == file; });
        publish(file.substr(0, file.find('-')), time);
        packages_.back().file = mirrors_.files["/" + file] = content;
        packages_.back().signature = "signature of " + content.substr(0, 4);
        const auto database = test::pacman_database(packages_);
        mirrors_.files["/lab.db"] = database;
        mirrors_.files["/lab.db.sig"] = key_.sign_detached(database, {.at = time});
    }
    // pacman updates through the agent.
    void update() {
        const auto database = get("lab.db");
        loop_.advance(Millis(1'000));
        ASSERT_EQ(database->delivered, 1) << database->error;
    }
    // It came before this start.
    void keep_index() { accept(packages_); }
    bool is_right(const Outcome& outcome, const std::string& file) const {
        return outcome.bytes == mirrors_.files.at("/" + file);
    }
    bool is_stored(const std::string& file) {
        return vault_->find(digest_of(mirrors_.files.at("/" + file))).has_value();
    }

    std::vector<test::PacmanPackage> packages_;
};

TEST_F(NewerIndexTest, APackageThatIsNotKnownIsLookedForInANewerIndexAndThenVerifiedAndKept) {
    const auto first = publish("first", "20260701T100000");
    const auto one = get(first), same = get(first);
    loop_.advance(Millis(5'000));
    EXPECT_TRUE(is_right(*one, first) && is_right(*same, first));
    EXPECT_TRUE(is_stored(first));
    EXPECT_EQ(mirrors_.asked["/lab.db"], 1);
    EXPECT_EQ(mirrors_.asked["/" + first], 1);
    const auto second = publish("second", "20260701T110000");
    loop_.advance(Millis(60'000));
    const auto other = get(second);
    loop_.advance(Millis(5'000));
    EXPECT_TRUE(is_right(*other, second));
    EXPECT_TRUE(is_stored(second));
}

TEST_F(NewerIndexTest, ItsSignatureStandsInTheIndexThen) {
    const auto first = publish("first", "20260701T100000");
    const auto signature = get(first + ".sig");
    loop_.advance(Millis(5'000));
    EXPECT_EQ(signature->bytes, "signature");
    EXPECT_EQ(mirrors_.asked["/" + first + ".sig"], 0);
}

TEST_F(NewerIndexTest, WhatNoIndexListsIsHandedThroughAndTheIndexIsNotFetchedForEachOfIt) {
    publish("first", "20260701T100000");
    for (const char* name : {"a", "b", "c"}) {
        const auto file = std::string(name) + "-1-1-any.pkg.tar.zst";
        mirrors_.files["/" + file] = name;
        const auto ghost = get(file);
        loop_.advance(Millis(5'000));
        EXPECT_EQ(ghost->bytes, name);
    }
    EXPECT_EQ(mirrors_.asked["/lab.db"], 1);
}

TEST_F(NewerIndexTest, AnIndexThatDoesNotComeHoldsAPackageUpForSecondsOnly) {
    const auto first = publish("first", "20260701T100000");
    mirrors_.files["/lab.db"].resize(100'000'000);
    const auto one = get(first);
    loop_.advance(Millis(5'000));
    EXPECT_TRUE(is_right(*one, first));
    EXPECT_GE(one->seconds, 3);
    EXPECT_LT(one->seconds, 4);
}

// ---- What is listed under a name here may not be what pacman's own database lists
// ----------------------------------------

TEST_F(NewerIndexTest, AfterAStartTheIndexOfTheFormerOneIsNotTakenForPacmans) {
    const auto first = publish("first", "20260701T100000");
    keep_index();
    publish_again(first, std::string(30'000, 'y'), "20260701T110000");
    const auto one = get(first), signature = get(first + ".sig");
    loop_.advance(Millis(5'000));
    EXPECT_TRUE(is_right(*one, first));
    EXPECT_EQ(signature->bytes, "signature of yyyy");
    EXPECT_EQ(mirrors_.asked["/lab.db"], 1);
}

TEST_F(NewerIndexTest, WhoseDatabaseCameFromHereIsServedAtOnce) {
    const auto first = publish("first", "20260701T100000");
    update();
    const auto asked = mirrors_.asked["/lab.db"];
    loop_.advance(Millis(120'000));
    const auto one = get(first);
    loop_.advance(Millis(5'000));
    EXPECT_TRUE(is_right(*one, first));
    EXPECT_EQ(mirrors_.asked["/lab.db"], asked);
}

TEST_F(NewerIndexTest, WithoutAMirrorTheIndexThatIsHereServes) {
    const auto first = publish("first", "20260701T100000");
    update();
    const auto one = get(first);
    loop_.advance(Millis(5'000));
    broker_.reset();
    broker_ = std::make_unique<Broker>(loop_, mirrors_, peers_, *vault_, *ledger_, trust_,
                                       BrokerSettings{Millis(0), true, formats::all()});
    use_lab();
    keep_index();
    mirrors_.files.clear();
    const auto same = get(first);
    loop_.advance(Millis(5'000));
    EXPECT_EQ(same->bytes, one->bytes);
    EXPECT_LT(same->seconds, 4);
}

TEST_F(NewerIndexTest, AMirrorWithAnotherFileThanTheListedOneIsAReasonToLook) {
    const auto first = publish("first", "20260701T100000");
    update();
    const auto asked = mirrors_.asked["/lab.db"];
    for (const auto& content : {std::string(30'005, 'y'), std::string(12'345, 'z')}) {
        loop_.advance(Millis(61'000));
        publish_again(first, content, content[0] == 'y' ? "20260701T110000" : "20260701T120000");
        const auto one = get(first), same = get(first);
        loop_.advance(Millis(5'000));
        EXPECT_EQ(one->bytes, content) << one->error;
        EXPECT_EQ(same->bytes, content) << same->error;
    }
    EXPECT_EQ(mirrors_.asked["/lab.db"], asked + 2);
}

TEST_F(NewerIndexTest, WhereTheIndexIsTheSameTheFileIsNotFetchedAgain) {
    const auto first = publish("first", "20260701T100000");
    update();
    mirrors_.files["/" + first][7] ^= 1;
    const auto one = get(first);
    loop_.advance(Millis(5'000));
    EXPECT_EQ(one->failed, 1);
    EXPECT_EQ(mirrors_.asked["/" + first], 1);
}

}  // namespace
}  // namespace packswarm::broker
