#include "p2p/broker/desks/parcel_desk.hpp"

#include "p2p/core/bundle.hpp"
#include "tests/unit/broker/book_fixture.hpp"

namespace packswarm::test {
namespace {

using broker::CarriedRoot;
using core::Sharing;

class ParcelDeskTest : public BookFixture {
  protected:
    broker::ParcelDesk& desk() { return broker_->parcels(); }

    // A root of that suite and day, signed by this key.
    Bytes root_of(const std::string& suite, int day, const PaperKey& key = key_, const std::string& codename = {}) {
        ReleaseOptions options;
        options.suite = suite;
        options.codename = codename.empty() ? suite : codename;
        constexpr const char* weekdays[] = {"Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Mon"};
        options.date = fmt::format("{}, {:02} Jul 2026 10:00:00 UTC", weekdays[day % 7], day);
        const auto text = key.clearsign(release_text({{"main/binary-amd64/Packages", packages_}}, options));
        return {text.begin(), text.end()};
    }
    // As a giver whose mirror has the same address tells it.
    core::ParcelRepository section(const std::string& suite) const {
        core::ParcelRepository out{"debian", suite, {}, {{}, 1, ""}, {}, {}};
        out.provenance.addresses = {
            broker::Sightings::address_mark(repository(suite, Sharing::allowed), "http://" + suite)};
        return out;
    }
    std::vector<broker::CarriedVerdict> carry(const core::ParcelRepository& section, Bytes root) {
        std::optional<Result<std::vector<broker::CarriedVerdict>>> told;
        desk().take_root(section, std::move(root), [&](auto verdicts) { told = std::move(verdicts); });
        loop_.drain();
        EXPECT_TRUE(told && *told) << (told ? told->error().message : "no answer");
        return told && *told ? **told : std::vector<broker::CarriedVerdict>{};
    }
    CarriedRoot carry_one(const core::ParcelRepository& section, Bytes root) {
        const auto verdicts = carry(section, std::move(root));
        EXPECT_EQ(verdicts.size(), 1U);
        return verdicts.empty() ? CarriedRoot{} : verdicts.front().root;
    }
    std::optional<WallTime> date_here(const std::string& suite) {
        const auto& root = book().state_of(core::RepositoryId(suite)).root;
        return root ? std::optional(root->index.date) : std::nullopt;
    }

    std::string packages_ = packages_stanza("a", "1", "pool/a.deb", "a");
};

TEST_F(ParcelDeskTest, NamesTheNewestRootAndWhatIsStoredOfWhatItLists) {
    use({repository("stable", Sharing::allowed), repository("secret", Sharing::forbidden)});
    update("stable", {{"pool/a.deb", "a"}, {"pool/b.deb", "b"}});
    keep("a", "pool/a.deb");
    keep("stranger", "pool/stranger.deb");
    const auto sources = desk().sources();
    ASSERT_EQ(sources.size(), 2U);
    const auto& stable = sources.front().id == core::RepositoryId("stable") ? sources.front() : sources.back();
    const auto& secret = &stable == &sources.front() ? sources.back() : sources.front();
    EXPECT_TRUE(stable.is_public);
    EXPECT_TRUE(stable.why_not.empty()) << stable.why_not;
    EXPECT_EQ(stable.section.root.digest, book().state_of(core::RepositoryId("stable")).root->bundle_digest);
    EXPECT_FALSE(stable.section.provenance.contents.empty());
    EXPECT_TRUE(stable.lacking.empty());
    EXPECT_FALSE(secret.is_public);
    EXPECT_FALSE(secret.why_not.empty()) << "no index of it was ever seen";
    std::set<Digest> stored;
    for (const auto& hit : desk().stored_after({}).files) stored.insert(hit.entry.digest);
    EXPECT_EQ(stored.size(), 2U) << "the list and one package";
    EXPECT_EQ(stored.count(digest_of("a")), 1U);
    EXPECT_FALSE(desk().stored_after({}).next);
    EXPECT_TRUE(desk().stored_after(*stored.rbegin()).files.empty()) << "it goes on behind the last one";
}

TEST_F(ParcelDeskTest, SaysWhichListsItLacks) {
    use({repository("stable", Sharing::allowed)});
    update("stable", {{"pool/a.deb", "a"}});
    const auto list = desk().stored_after({}).files.front().entry;
    vault_->remove(list.digest);
    loop_.drain();
    const auto sources = desk().sources();
    ASSERT_EQ(sources.front().lacking.size(), 1U);
    EXPECT_EQ(sources.front().lacking.front().digest, list.digest);
    EXPECT_TRUE(sources.front().lacking.front().path.starts_with("http://stable/dists/stable/main/"));
}

TEST_F(ParcelDeskTest, TakesARootThatTheSameAddressShowed) {
    use({repository("stable", Sharing::allowed), repository("other", Sharing::allowed)});
    const auto root = root_of("stable", 3);
    EXPECT_EQ(carry_one(section("stable"), root).step, CarriedRoot::Step::kept);
    ASSERT_TRUE(date_here("stable"));
    EXPECT_FALSE(date_here("other"));
    EXPECT_TRUE(ledger_->floors().empty()) << "what an address has stays its own to say";
    EXPECT_EQ(carry_one(section("stable"), root).step, CarriedRoot::Step::known);
}

TEST_F(ParcelDeskTest, TakesARootWhoseEarlierContentWasSeenHere) {
    use({repository("stable", Sharing::allowed)});
    update("stable", {{"pool/a.deb", "a"}}, 1);
    auto told = section("stable");
    told.provenance = book().told_provenance(repository("stable", Sharing::allowed));
    told.provenance.addresses = {1};
    ASSERT_EQ(told.provenance.contents.size(), 1U);
    EXPECT_EQ(carry_one(told, root_of("stable", 3)).step, CarriedRoot::Step::kept);
}

TEST_F(ParcelDeskTest, OfWhichNothingShowsThatItIsThisRepositorysIsRefused) {
    use({repository("stable", Sharing::allowed)});
    auto told = section("stable");
    told.provenance.addresses = {1};
    const auto carried = carry_one(told, root_of("stable", 3));
    EXPECT_EQ(carried.step, CarriedRoot::Step::stranger);
    EXPECT_FALSE(date_here("stable"));
}

TEST_F(ParcelDeskTest, AForeignKeyAnotherSuiteAndAlteredBytesAreRefusedWithTheReason) {
    use({repository("stable", Sharing::allowed)});
    update("stable", {{"pool/a.deb", "a"}}, 1);
    const auto before = date_here("stable");
    const PaperKey stranger(std::string(40, 'A'));
    const auto foreign = carry_one(section("stable"), root_of("stable", 3, stranger));
    EXPECT_EQ(foreign.step, CarriedRoot::Step::unverified);
    EXPECT_FALSE(foreign.message.empty());
    EXPECT_EQ(carry_one(section("stable"), root_of("testing", 3)).step, CarriedRoot::Step::unverified);
    auto altered = root_of("stable", 3);
    altered[altered.size() / 2] ^= 1;
    EXPECT_EQ(carry_one(section("stable"), altered).step, CarriedRoot::Step::unverified);
    EXPECT_EQ(date_here("stable"), before);
    EXPECT_TRUE(book().state_of(core::RepositoryId("stable")).message.empty()) << "it says nothing of what is here";
}

TEST_F(ParcelDeskTest, AnOlderRootIsRefusedAndWhatIsHereStays) {
    use({repository("stable", Sharing::allowed)});
    update("stable", {{"pool/a.deb", "a"}}, 9);
    const auto before = date_here("stable");
    const auto carried = carry_one(section("stable"), root_of("stable", 3));
    EXPECT_EQ(carried.step, CarriedRoot::Step::refused);
    EXPECT_NE(carried.message.find("older"), std::string::npos) << carried.message;
    EXPECT_EQ(date_here("stable"), before);
}

TEST_F(ParcelDeskTest, TakesOneRootAtATime) {
    use({repository("stable", Sharing::allowed)});
    std::vector<ErrorKind> refused;
    const auto told = [&](const Result<std::vector<broker::CarriedVerdict>>& verdicts) {
        if (!verdicts) refused.push_back(verdicts.error().kind);
    };
    desk().take_root(section("stable"), root_of("stable", 3), told);
    desk().take_root(section("stable"), root_of("stable", 4), told);
    loop_.drain();
    EXPECT_EQ(refused, std::vector{ErrorKind::Refused});
    EXPECT_FALSE(desk().is_root_awaited());
    EXPECT_EQ(carry_one(section("stable"), root_of("stable", 4)).step, CarriedRoot::Step::kept);
}

TEST_F(ParcelDeskTest, OfAFormatThatNobodyUsesHereIsRefused) {
    use({repository("stable", Sharing::allowed)});
    std::optional<ErrorKind> kind;
    desk().take_root({"toy", "stable", {}, {{}, 1, ""}, {}, {}}, Bytes{'x'},
                     [&](const auto& verdicts) { kind = verdicts.error().kind; });
    loop_.drain();
    EXPECT_EQ(kind, ErrorKind::Absent);
}

TEST_F(ParcelDeskTest, HandsOutOfTheStoreAloneAndAsksNobody) {
    use({repository("stable", Sharing::allowed)});
    update("stable", {{"pool/a.deb", "a"}, {"pool/b.deb", "b"}});
    keep("a", "pool/a.deb");
    std::string said;
    const auto get = [&](const std::string& content) {
        broker::Request request;
        request.digest = digest_of(content);
        request.from = broker::From::store;
        request.asker = "cli";
        broker::RequestEvents events;
        events.delivered = [&](const broker::Delivered& delivered) { said = fmt::format("{} bytes", delivered.size); };
        events.failed = [&](const Error& error) { said = to_string(error.kind); };
        broker_->get(std::move(request), std::move(events));
        loop_.drain();
        return said;
    };
    EXPECT_EQ(get("a"), "1 bytes");
    EXPECT_EQ(get("b"), to_string(ErrorKind::Absent));
    EXPECT_TRUE(ledger_->transfers_named("", 10, 10, [](const auto&) { return true; }).empty()) << "no history";
}

}  // namespace
}  // namespace packswarm::test
