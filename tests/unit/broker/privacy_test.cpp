// What peers get to know: names and digests of public repositories, nothing of others.
#include "tests/unit/broker/book_fixture.hpp"

namespace packswarm::test {
namespace {

using core::Sharing;

class Privacy : public BookFixture {
  protected:
    // Asks for a file as apt does, and lets it arrive.
    void fetch(const std::string& suite, const std::string& path, const std::string& content) {
        request(suite, path, content);
        ASSERT_TRUE(loop_.advance_until([&] { return ended_ > 0; }, Millis(60'000)));
        EXPECT_FALSE(error_) << error_->message;
        loop_.advance(Millis(5'000));  // asks are repeated
    }
    void request(const std::string& suite, const std::string& path, const std::string& content) {
        mirrors_.files["/" + path] = content;
        broker::Request request;
        request.url = "http://" + suite + "/" + path;
        request.digest = digest_of(content);
        request.size = static_cast<ByteCount>(content.size());
        ended_ = 0;
        error_.reset();
        broker::RequestEvents events;
        events.started = [](const broker::Started&) {};
        events.progress = [](const broker::Progress&) {};
        events.delivered = [&](const broker::Delivered&) { ++ended_; };
        events.not_modified = [] {};
        events.failed = [&](const Error& error) {
            error_ = error;
            ++ended_;
        };
        broker_->get(std::move(request), std::move(events));
    }
    bool strangers_know(const std::string& content) const {
        return peers_.told_strangers.count(digest_of(content)) != 0;
    }
    void a_stranger_comes() {
        peers_.observer->peer_up({broker::PeerId{1}, "192.0.2.1:26881", "", broker::Reach::wan, {}, 0, 0, 7});
        settle();
    }
    bool peers_know(const std::string& content) const {
        const auto digest = digest_of(content);
        const auto named = [&](const auto& item) { return item.second == digest; };
        return std::any_of(peers_.asked.begin(), peers_.asked.end(), named) ||
               std::any_of(peers_.lent.begin(), peers_.lent.end(), named) || peers_.shelf.count(digest) != 0;
    }
    int ended_ = 0;
    std::optional<Error> error_;
};

TEST_F(Privacy, APrivateRepositoryIsNeverNamedNeitherInSwarmsNorAsksNorOffers) {
    const std::string small = "private bytes", large(3 << 20, 'p');
    use({repository("secret", Sharing::forbidden), repository("stable", Sharing::allowed)});
    update("secret", {{"pool/small.deb", small}, {"pool/large.deb", large}});
    update("stable", {{"pool/public.deb", "public bytes"}});
    fetch("secret", "pool/small.deb", small);
    fetch("secret", "pool/large.deb", large);
    fetch("stable", "pool/public.deb", "public bytes");
    EXPECT_TRUE(peers_know("public bytes")) << "or this test sees nothing";
    EXPECT_FALSE(peers_know(small));
    EXPECT_FALSE(peers_know(large));
    EXPECT_TRUE(vault_->brief(digest_of(small))) << "it is kept for this machine";
    for (const auto& lineage : peers_.swarms())
        EXPECT_EQ(lineage.name().find("secret"), std::string::npos) << lineage.name();
    for (const auto& [lineage, digest] : peers_.asked) EXPECT_EQ(lineage.name().find("secret"), std::string::npos);
}

TEST_F(Privacy, WhatNoIndexListsIsNotAskedOfPeers) {
    use({repository("stable", Sharing::allowed)});
    update("stable", {{"pool/public.deb", "public bytes"}});
    fetch("stable", "pool/unknown.deb", "nobody vouches for these");
    EXPECT_FALSE(peers_know("nobody vouches for these"));
}

TEST_F(Privacy, ARepositoryIsPublicOnlyWhenAPublicKeySignedIt) {
    use({repository("stable", Sharing::by_signer)});
    update("stable", {{"pool/a.deb", "a"}});
    fetch("stable", "pool/a.deb", "a");
    EXPECT_FALSE(peers_know("a"));
    EXPECT_TRUE(peers_.swarms().empty());
    book().set_public({key_.fingerprint()}, {});
    settle();
    EXPECT_FALSE(peers_.swarms().empty());
    EXPECT_FALSE(peers_know("a")) << "kept as private: it stays so until it is fetched or shared again";
}

// ---- Whom an ask tells what this machine fetches

TEST_F(Privacy, StrangersAreNotAskedForSmallArtifactsThatAMirrorGives) {
    const std::string large(3 << 20, 'l');
    use({repository("stable", Sharing::allowed)});
    update("stable", {{"pool/small.deb", "small"}, {"pool/large.deb", large}});
    fetch("stable", "pool/small.deb", "small");
    EXPECT_TRUE(peers_know("small")) << "neighbours are asked";
    EXPECT_FALSE(strangers_know("small"));
    request("stable", "pool/large.deb", large);
    settle();
    EXPECT_TRUE(strangers_know(large)) << "at once";
}

TEST_F(Privacy, StrangersAreAskedForWhatAMirrorHasNotGivenAfterAMoment) {
    use({repository("stable", Sharing::allowed)});
    update("stable", {{"pool/small.deb", "small"}});
    mirrors_.mirrors["http://stable"].first_byte = Millis(4'000);
    request("stable", "pool/small.deb", "small");
    loop_.advance(Millis(1'400));
    EXPECT_FALSE(strangers_know("small"));
    loop_.advance(Millis(400));
    EXPECT_TRUE(strangers_know("small"));
}

TEST_F(Privacy, StrangersAreAskedAsSoonAsNoMirrorIsLeft) {
    use({repository("stable", Sharing::allowed), repository("stable-security", Sharing::allowed)});
    update("stable", {{"pool/small.deb", "small"}});
    update("stable-security", {{"pool/fix.deb", "fix"}});
    for (const auto* suite : {"stable", "stable-security"})
        mirrors_.mirrors[std::string("http://") + suite].fault = MirrorManner::Fault::refused_connection;
    request("stable", "pool/small.deb", "small");
    loop_.advance(Millis(1'000));
    EXPECT_TRUE(strangers_know("small"));
    request("stable-security", "pool/fix.deb", "fix");
    loop_.advance(Millis(1'000));
    EXPECT_TRUE(strangers_know("fix")) << "an upgrade that fails is worse";
}

TEST_F(Privacy, StrangersAreNotAskedForWhatASecuritySuiteLists) {
    const std::string large(3 << 20, 'l');
    for (const auto* suite : {"stable-security", "buster/updates"}) {
        auto one = repository("stable", Sharing::allowed), two = repository(suite, Sharing::allowed);
        two.bases = {"http://security"};
        use({one, two});
        update("stable", {{"pool/fix.deb", "fix"}});
        update(suite, {{"pool/fix.deb", "fix"}, {"pool/large.deb", large}});
        mirrors_.mirrors["http://security"].first_byte = Millis(4'000);
        request("security", "pool/fix.deb", "fix");
        request("security", "pool/large.deb", large);
        loop_.advance(Millis(3'500));
        EXPECT_TRUE(peers_know("fix") && peers_know(large));
        EXPECT_FALSE(strangers_know("fix") || strangers_know(large)) << suite;
    }
}

TEST_F(Privacy, StrangersAreNeverAskedWhenTheOwnerSaysSo) {
    broker_.reset();
    broker_ = std::make_unique<broker::Broker>(loop_, mirrors_, peers_, *vault_, *ledger_, trust_,
                                               broker::BrokerSettings{Millis(0), false, formats::all()});
    const std::string large(3 << 20, 'l');
    use({repository("stable", Sharing::allowed)});
    update("stable", {{"pool/large.deb", large}});
    mirrors_.mirrors["http://stable"].fault = MirrorManner::Fault::refused_connection;
    request("stable", "pool/large.deb", large);
    loop_.advance(Millis(10'000));
    EXPECT_TRUE(peers_know(large));
    EXPECT_FALSE(strangers_know(large));
}

// Else the request would end in the moment in which they hear of it.
TEST_F(Privacy, StrangersThatAreAskedLateHaveTheirTimeToSpeakUp) {
    broker_.reset();
    broker_ = std::make_unique<broker::Broker>(loop_, mirrors_, peers_, *vault_, *ledger_, trust_,
                                               broker::BrokerSettings{Millis(1'500), true, formats::all()});
    use({repository("stable-security", Sharing::allowed)});
    update("stable-security", {{"pool/fix.deb", "fix"}});
    peers_.around = {1, 0, true};
    a_stranger_comes();
    mirrors_.mirrors["http://stable-security"] = {10e6, Millis(3'000), MirrorManner::Fault::absent};
    request("stable-security", "pool/fix.deb", "fix");
    loop_.advance(Millis(3'200));
    EXPECT_TRUE(strangers_know("fix"));
    EXPECT_EQ(ended_, 0);
    loop_.advance(Millis(3'000));
    EXPECT_EQ(ended_, 1) << "nobody had it";
}

TEST_F(Privacy, NothingIsLentWhileSharingIsOff) {
    const std::string large(3 << 20, 'l');
    use({repository("stable", Sharing::allowed)});
    update("stable", {{"pool/large.deb", large}});
    book().allow_sharing(false);
    settle();
    fetch("stable", "pool/large.deb", large);
    EXPECT_TRUE(peers_.lent.empty());
    EXPECT_TRUE(peers_.shelf.empty());
}

}  // namespace
}  // namespace packswarm::test
