// What a repository is: an address is answered with what it has, or with what was shown to be the same repository.
#include "p2p/core/bundle.hpp"
#include "tests/unit/broker/book_fixture.hpp"

namespace packswarm::test {
namespace {

using core::Sharing;

constexpr auto day = std::chrono::hours(24);

class RepositoryIdentity : public BookFixture {
  protected:
    static constexpr WallTime september{
        std::chrono::sys_days(std::chrono::September / 1 / 2026)};  // it is the 21st, 13:33

    // One site's repository of suite "stable" below a path of its own.
    core::Repository at(const std::string& base) const {
        auto out = repository("stable", Sharing::allowed);
        out.id = core::RepositoryId(base);
        out.bases = {base};
        return out;
    }
    static std::string path_of(const std::string& base) { return base.substr(base.find('/', 8)); }

    struct Published {
        std::string packages, release;
    };
    // number: the day of September 2026 that it is dated.
    static Published state(const Pool& pool, int number, const std::string& origin = "packswarm test") {
        Published out;
        for (const auto& [path, content] : pool)
            out.packages += packages_stanza("p" + sha256_hex(path).substr(0, 12), "1", path, content);
        constexpr const char* weekdays[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
        ReleaseOptions options;
        options.suite = options.codename = "stable";
        options.origin = origin;
        options.date = fmt::format("{}, {:02} Sep 2026 10:00:00 UTC", weekdays[number % 7], number);
        out.release = key_.clearsign(release_text({{"main/binary-amd64/Packages", out.packages}}, options));
        return out;
    }
    void publish(const std::string& base, const Published& state, const Pool& pool, WallTime modified) {
        mirrors_.mirrors[base.substr(0, base.find('/', 8))];
        const auto root = path_of(base) + "/dists/stable/";
        mirrors_.files[root + "InRelease"] = state.release;
        mirrors_.modified[root + "InRelease"] = modified;
        mirrors_.files[root + "main/binary-amd64/Packages"] = state.packages;
        for (const auto& [path, content] : pool) mirrors_.files[path_of(base) + "/" + path] = content;
    }
    struct Outcome {
        bool not_modified = false;
        std::string bytes;
        std::optional<WallTime> modified;
        std::string error;
    };
    Outcome get(const std::string& url, std::optional<WallTime> since = {}, std::optional<std::string> content = {}) {
        broker::Request request;
        request.url = url;
        request.if_modified_since = since;
        if (content) request.digest = digest_of(*content);
        if (content) request.size = static_cast<ByteCount>(content->size());
        request.asker = "apt";
        Outcome out;
        bool done = false;
        broker::RequestEvents events;
        events.delivered = [&](const broker::Delivered& delivered) {
            out.bytes.resize(static_cast<std::size_t>(delivered.size));
            EXPECT_TRUE(read_at(*delivered.bytes, 0, std::span(out.bytes)));
            out.modified = delivered.modified;
            done = true;
        };
        events.not_modified = [&] { done = out.not_modified = true; };
        events.failed = [&](const Error& error) {
            out.error = error.message;
            done = true;
        };
        broker_->get(std::move(request), std::move(events));
        EXPECT_TRUE(loop_.advance_until([&] { return done; }, Millis(60'000)));
        return out;
    }
    Outcome update(const std::string& base, std::optional<WallTime> since = {}) {
        return get(base + "/dists/stable/InRelease", since);
    }
    // Also its list of packages, so that the agent knows what is in it.
    void update_whole(const std::string& base, const Published& state) {
        EXPECT_EQ(update(base).bytes, state.release);
        EXPECT_EQ(get(base + "/dists/stable/main/binary-amd64/Packages", {}, state.packages).bytes, state.packages);
        loop_.advance(Millis(100));
    }
    bool was_asked(const std::string& base) const {
        return std::any_of(mirrors_.urls.begin(), mirrors_.urls.end(),
                           [&](const std::string& url) { return url.starts_with(base + "/"); });
    }
    void restart(std::vector<core::Repository> repositories) {
        broker_.reset();
        broker_ = std::make_unique<broker::Broker>(loop_, mirrors_, peers_, *vault_, *ledger_, trust_,
                                                   broker::BrokerSettings{Millis(0), true, formats::all()});
        use(std::move(repositories));
        book().restore();
        loop_.drain();
    }
    const std::string code = "http://a/code", edge = "http://b/edge";
};

TEST_F(RepositoryIdentity, TwoProductsUnderOneKeyAndSuiteAreAnsweredEachByItsOwnAddress) {
    const Pool editor{{"pool/editor.deb", "editor"}}, browser{{"pool/browser.deb", "browser"}};
    const auto older = state(editor, 19), newer = state(browser, 20);
    publish(code, older, editor, september);
    publish(edge, newer, browser, september);
    use({at(code), at(edge)});
    for (int round = 0; round < 2; ++round) {
        EXPECT_EQ(update(code).bytes, older.release) << "the other's date is no floor for it";
        EXPECT_EQ(update(edge).bytes, newer.release);
    }
    mirrors_.urls.clear();
    EXPECT_EQ(get(code + "/pool/editor.deb", {}, "editor").bytes, "editor");
    EXPECT_FALSE(was_asked(edge));
    mirrors_.mirrors["http://a"].fault = MirrorManner::Fault::refused_connection;
    EXPECT_EQ(update(code).bytes, older.release) << "an outage: its own newest";
}

// apt takes the rest of a repository from where its InRelease was had.
TEST_F(RepositoryIdentity, ARedirectOfTheRootAloneLeadsToTheOtherFilesToo) {
    const Pool editor{{"pool/editor.deb", "editor"}};
    use({at(code)});
    const auto only = state(editor, 1);
    publish(code, only, {}, september);
    const auto elsewhere = path_of(code) + "/moved";
    mirrors_.led_to[path_of(code) + "/dists/stable/InRelease"] =
        "http://else.example" + elsewhere + "/dists/stable/InRelease";
    const auto list = path_of(code) + "/dists/stable/main/binary-amd64/Packages";
    mirrors_.files.erase(list);
    mirrors_.files[elsewhere + "/dists/stable/main/binary-amd64/Packages"] = only.packages;
    for (const auto& [path, content] : editor) mirrors_.files[elsewhere + "/" + path] = content;
    EXPECT_EQ(get(code + "/dists/stable/InRelease").bytes, only.release);
    EXPECT_EQ(get(code + "/dists/stable/main/binary-amd64/Packages", {}, only.packages).bytes, only.packages);
    const auto& [path, content] = *editor.begin();
    EXPECT_EQ(get(code + "/" + path, {}, content).bytes, content);
    mirrors_.led_to.clear();  // it does not any more
    EXPECT_FALSE(get(code + "/dists/stable/InRelease").bytes.empty());
    const auto asked = mirrors_.urls.size();
    EXPECT_NE(get(code + "/dists/stable/main/binary-amd64/Contents", {}, std::string("none")).error, "");
    for (std::size_t one = asked; one < mirrors_.urls.size(); ++one)
        EXPECT_EQ(mirrors_.urls[one].find("else.example"), std::string::npos) << mirrors_.urls[one];
}

TEST_F(RepositoryIdentity, AnOlderIndexIsRefusedAtTheAddressThatShowedANewerOne) {
    const auto older = state({}, 19), newer = state({{"pool/a.deb", "a"}}, 20);
    publish(code, newer, {}, september + day);
    use({at(code)});
    EXPECT_EQ(update(code).bytes, newer.release);
    publish(code, older, {}, september);
    EXPECT_EQ(update(code).bytes, newer.release);
    restart({at(code)});
    EXPECT_EQ(update(code).bytes, newer.release) << "over restarts too";
}

TEST_F(RepositoryIdentity, LendsMirrorsOnlyToWhatWasShownToBeTheSame) {
    const Pool pool{{"pool/a.deb", "the package"}};
    const auto same = state(pool, 20);
    publish(code, same, pool, september);
    publish(edge, same, pool, september);
    use({at(code), at(edge)});
    update_whole(code, same);
    mirrors_.files.erase("/code/pool/a.deb");
    mirrors_.urls.clear();
    EXPECT_EQ(get(code + "/pool/a.deb", {}, "the package").bytes, "");
    EXPECT_FALSE(was_asked(edge)) << "nothing shows that it has the same";
    update_whole(edge, same);
    EXPECT_EQ(get(code + "/pool/a.deb", {}, "the package").bytes, "the package");
    restart({at(code), at(edge)});
    vault_->remove(digest_of("the package"));
    EXPECT_EQ(get(code + "/pool/a.deb", {}, "the package").bytes, "the package") << "and that is remembered";
    mirrors_.urls.clear();
    EXPECT_NE(get(code + "/pool/private-name.deb").error, "");
    EXPECT_FALSE(was_asked(edge)) << "a name alone is asked where it was asked";
}

TEST_F(RepositoryIdentity, InAnOutageTheNewestOfTheSameContentStandsInAndASnapshotOfItDoesNot) {
    const auto first = state({}, 20), second = state({{"pool/a.deb", "a"}}, 21);
    publish(code, first, {}, september);
    publish(edge, first, {}, september);
    use({at(code), at(edge)});
    update(code);
    update(edge);
    publish(edge, second, {}, september + day);
    EXPECT_EQ(update(edge).bytes, second.release);
    mirrors_.mirrors["http://a"].fault = MirrorManner::Fault::refused_connection;
    EXPECT_EQ(update(code).bytes, second.release);
    mirrors_.mirrors["http://a"].fault = MirrorManner::Fault::none;
    EXPECT_EQ(update(code).bytes, first.release) << "its own address answers: what it has, and no floor is in its way";
    loop_.advance(std::chrono::duration_cast<Millis>(std::chrono::hours(48)));
    EXPECT_EQ(update(code).bytes, first.release);
    EXPECT_TRUE(book().states().at(core::RepositoryId(code)).kin.empty())
        << "it stood still for longer than mirrors lag";
    mirrors_.mirrors["http://a"].fault = MirrorManner::Fault::refused_connection;
    EXPECT_EQ(update(code).bytes, first.release);
}

TEST_F(RepositoryIdentity, AKeptRootIsFoundAgainWhenAMirrorWasAddedToItsGroup) {
    const auto only = state({}, 20);
    publish(code, only, {}, september);
    use({at(code)});
    update(code);
    auto more = at(edge);
    more.id = core::RepositoryId("another name");
    more.bases = {edge, code};
    restart({more});
    ASSERT_TRUE(book().states().at(more.id).root);
    EXPECT_EQ(book().states().at(more.id).root->index.date, september + 19 * day + std::chrono::hours(10));
}

// ---- Dates

TEST_F(RepositoryIdentity, UnchangedIsSaidWhenTheMirrorSaysSoOfTheAskersDateOrItsBytesAreTheSame) {
    const auto first = state({}, 20), second = state({{"pool/a.deb", "a"}}, 21);
    publish(code, first, {}, september + day);
    use({at(code)});
    const auto given = update(code).modified;
    EXPECT_EQ(given, september + day);
    EXPECT_TRUE(update(code, given).not_modified);
    EXPECT_EQ(update(code, september + 9 * day).bytes, first.release)
        << "a later date is not the one that was given out";
    publish(code, second, {}, september);  // newer, with an older Last-Modified
    EXPECT_EQ(update(code, given).bytes, second.release);
    EXPECT_TRUE(update(code, september).not_modified);
    publish(code, first, {}, september + day);  // an older one again: what stands here is the answer
    EXPECT_EQ(update(code, given).bytes, second.release);
}

// A publication without its lists, and within its second another one: the server says "not modified" of the former.
TEST_F(RepositoryIdentity, ARootWhoseListsNeverCameIsFetchedWhole) {
    const auto first = state({}, 19), broken = state({{"pool/a.deb", "a"}}, 20),
               second = state({{"pool/b.deb", "b"}}, 20);
    publish(code, first, {}, september);
    use({at(code)});
    update_whole(code, first);
    publish(code, broken, {}, september + day);
    mirrors_.files.erase("/code/dists/stable/main/binary-amd64/Packages");
    EXPECT_EQ(update(code, september).bytes, broken.release);
    publish(code, second, {}, september + day);
    EXPECT_EQ(update(code, september).bytes, second.release);
    EXPECT_EQ(get(code + "/dists/stable/main/binary-amd64/Packages", {}, second.packages).bytes, second.packages);
    loop_.advance(Millis(100));
    mirrors_.urls.clear();
    publish(code, first, {}, september + day);
    EXPECT_EQ(update(code, september).bytes, second.release) << "one that is whole is held against its date again";
}

// ---- Peers

class FromPeers : public RepositoryIdentity {
  protected:
    void SetUp() override {
        RepositoryIdentity::SetUp();
        peers_.on_get = [this](broker::PeerId, const Digest& digest, ByteRange, broker::GetEvents events) {
            fetched_.push_back(digest);
            const auto found = roots_.find(digest);
            loop_.post([bytes = found == roots_.end() ? std::string() : found->second, events = std::move(events)] {
                events.data(0, Bytes(bytes.begin(), bytes.end()));
                events.done({});
            });
            return broker::FetchId{fetched_.size()};
        };
        broker::PeerView peer;
        peer.id = broker::PeerId{1};
        peer.endpoint = "192.0.2.1:1";
        peers_.observer->peer_up(peer);
    }
    void show(const Published& root, int number, core::Provenance provenance) {
        const auto digest = digest_of(root.release);
        roots_[digest] = root.release;
        peers_.observer->peer_snapshot({broker::PeerId{1}, *peers_.swarms().begin(),
                                        september + (number - 1) * day + std::chrono::hours(10), digest,
                                        static_cast<ByteCount>(root.release.size()), std::move(provenance)});
    }
    void fail() { mirrors_.mirrors["http://a"].fault = MirrorManner::Fault::refused_connection; }
    core::Mark content_of(const std::string& base) const { return core::mark_of(book_root(base)->index.content); }
    std::shared_ptr<const broker::OpenedRoot> book_root(const std::string& base) const {
        return broker_->book().states().at(core::RepositoryId(base)).root;
    }

    std::map<Digest, std::string> roots_;
    std::vector<Digest> fetched_;
    const Published own_ = state({}, 20), other_ = state({{"pool/a.deb", "a"}}, 21);
};

TEST_F(FromPeers, ARootThatNothingShowsToBelongIsNotEvenAskedFor) {
    publish(code, own_, {}, september);
    use({at(code)});
    update(code);
    show(other_, 21, {Digest{}, {{core::mark_of("another"), september}}, {core::mark_of("elsewhere")}});
    fail();
    EXPECT_EQ(update(code).bytes, own_.release);
    EXPECT_TRUE(fetched_.empty());
}

TEST_F(FromPeers, AtItsFirstUpdateNeither) {
    use({at(code)});
    show(other_, 21, {});
    fail();
    EXPECT_NE(update(code).error, "");
    EXPECT_TRUE(fetched_.empty());
}

TEST_F(FromPeers, ARootOfTheSameAddressStandsIn) {
    use({at(code)});
    show(other_, 21, {Digest{}, {}, {broker::Sightings::address_mark(at(code), code)}});
    fail();
    EXPECT_EQ(update(code).bytes, other_.release);
    const auto& shown = peers_.lineages.front().provenance.addresses;
    EXPECT_EQ(shown, std::vector<core::Mark>{broker::Sightings::address_mark(at(code), code)})
        << "and is given on as such";
}

TEST_F(FromPeers, SoDoesOneThatFollowedContentWhichWasSeenHere) {
    publish(code, own_, {}, september);
    use({at(code)});
    update(code);
    show(other_, 21,
         {Digest{},
          {{core::mark_of("newest"), september + 20 * day + std::chrono::hours(10)},
           {content_of(code), september + 19 * day + std::chrono::hours(10)}},
          {}});
    fail();
    EXPECT_EQ(update(code).bytes, other_.release);
    mirrors_.mirrors["http://a"].fault = MirrorManner::Fault::none;
    EXPECT_EQ(update(code).bytes, own_.release) << "an address that answers is answered by what it has";
}

TEST_F(FromPeers, AnAgentOfTheFirstProtocolIsBelievedByTheRootItShowedBefore) {
    publish(code, own_, {}, september);
    use({at(code)});
    update(code);
    show(own_, 20, {});
    show(other_, 21, {});
    fail();
    EXPECT_EQ(update(code).bytes, other_.release);
}

TEST_F(FromPeers, UnderADistributionsKeyTheProductsNameSuffices) {
    const auto stranger = state({}, 21, "somebody else");
    publish(code, own_, {}, september);
    use({at(code)});
    book().set_public({key_.fingerprint()}, {});
    update(code);
    show(stranger, 21, {digest_of(std::string("another product")), {}, {}});
    fail();
    EXPECT_EQ(update(code).bytes, own_.release);
    EXPECT_TRUE(fetched_.empty());
    show(stranger, 21, {});  // an agent of the first protocol names none: it is seen when the root is here
    EXPECT_EQ(update(code).bytes, own_.release);
    EXPECT_EQ(fetched_.size(), 1U);
    show(other_, 21, {book_root(code)->index.product, {}, {}});
    EXPECT_EQ(update(code).bytes, other_.release);
}

TEST_F(FromPeers, ADatedSnapshotIsNotGuessed) {
    const std::string snapshot = "http://a/archive/20260701T000000Z";
    use({at(snapshot)});
    book().set_public({key_.fingerprint()}, {});
    show(other_, 21, {});
    fail();
    EXPECT_NE(update(snapshot).error, "");
    EXPECT_TRUE(fetched_.empty());
}

}  // namespace
}  // namespace packswarm::test
