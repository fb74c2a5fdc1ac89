// What peers get to know: names and digests of public repositories, nothing of others.
#include "tests/unit/broker/book_fixture.hpp"

namespace packswarm::test {
namespace {

using core::Sharing;

class Privacy : public BookFixture {
  protected:
    // Asks for a file as apt does, and lets it arrive.
    void fetch(const std::string& suite, const std::string& path, const std::string& content) {
        mirrors_.files["/" + path] = content;
        broker::Request request;
        request.url = "http://" + suite + "/" + path;
        request.digest = digest_of(content);
        request.size = static_cast<ByteCount>(content.size());
        bool is_here = false;
        broker::RequestEvents events;
        events.started = [](const broker::Started&) {};
        events.progress = [](const broker::Progress&) {};
        events.delivered = [&](const broker::Delivered&) { is_here = true; };
        events.not_modified = [] {};
        events.failed = [](const Error& error) { FAIL() << error.message; };
        broker_->get(std::move(request), std::move(events));
        ASSERT_TRUE(loop_.advance_until([&] { return is_here; }, Millis(60'000)));
        loop_.advance(Millis(5'000));  // asks are repeated
    }
    bool peers_know(const std::string& content) const {
        const auto digest = digest_of(content);
        const auto named = [&](const auto& item) { return item.second == digest; };
        return std::any_of(peers_.asked.begin(), peers_.asked.end(), named) || std::any_of(peers_.lent.begin(), peers_.lent.end(), named) ||
               peers_.shelf.count(digest) != 0;
    }
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
    for (const auto& name : peers_.swarms()) EXPECT_EQ(name.find("secret"), std::string::npos) << name;
    for (const auto& [lineage, digest] : peers_.asked) EXPECT_EQ(lineage.find("secret"), std::string::npos);
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
    book().set_public({*key_}, {});
    settle();
    EXPECT_FALSE(peers_.swarms().empty());
    EXPECT_FALSE(peers_know("a")) << "kept as private: it stays so until it is fetched or shared again";
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
