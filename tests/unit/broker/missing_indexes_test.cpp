#include "p2p/broker/missing_indexes.hpp"

#include "tests/unit/broker/book_fixture.hpp"

namespace packswarm::test {
namespace {

using broker::From;

// What is asked of the broker; the test answers.
class AskedRequests final : public broker::Requests {
  public:
    broker::RequestId get(broker::Request request, broker::RequestEvents events) override {
        asked.push_back(std::move(request));
        answers.push_back(std::move(events));
        return broker::RequestId{asked.size()};
    }
    void cancel(broker::RequestId) override {}
    TimePoint last_sign() const override { return {}; }
    std::optional<std::string> gateway_address(core::Format, const core::GatewayFile&,
                                               const std::string&) const override {
        return std::nullopt;
    }
    core::PackageSignatures package_signatures(core::Format, const core::GatewayFile&) const override { return {}; }
    std::vector<broker::Request> asked;
    std::vector<broker::RequestEvents> answers;
};

class NoLists final : public broker::LocalLists {
  public:
    void told(const std::string& folder) override { folders.push_back(folder); }
    Result<FileHandle> open(const core::Repository&, const core::IndexEntry&) override {
        ++looks;
        return fail(kind, "no such list");
    }
    std::vector<std::string> folders;
    ErrorKind kind = ErrorKind::Absent;
    int looks = 0;
};

class MissingIndexesTest : public BookFixture {
  protected:
    // A root whose list of packages nobody has asked for.
    void SetUp() override {
        BookFixture::SetUp();
        use({repository("stable", core::Sharing::allowed)});
        book().set_missing([this](const core::Repository&, const broker::MissingIndex& one) { missing_ = one; });
        ReleaseOptions options;
        options.suite = options.codename = "stable";
        options.date = "Wed, 01 Jul 2026 10:00:00 UTC";
        const auto text = key_.clearsign(
            release_text({{"main/binary-amd64/Packages", packages_stanza("a", "1", "pool/a.deb", "a")}}, options));
        book().accept({*book().table().find(core::RepositoryId("stable")), Bytes(text.begin(), text.end()), {}}, {},
                      [](auto) {});
        loop_.advance(Millis(5'000));
        ASSERT_TRUE(missing_);
        quests_ = std::make_unique<broker::MissingIndexes>(loop_, requests_, book(), trust_);
    }
    void TearDown() override { quests_.reset(); }
    void want() { quests_->want(*book().table().find(core::RepositoryId("stable")), *missing_); }
    void fail_last() {
        const auto events = requests_.answers.back();
        events.failed({ErrorKind::Absent, "nobody has it"});
    }

    std::optional<broker::MissingIndex> missing_;
    AskedRequests requests_;
    std::unique_ptr<broker::MissingIndexes> quests_;
};

TEST_F(MissingIndexesTest, PeersAreAskedFirstAndMirrorsWhenTheyDoNotHaveIt) {
    want();
    want();
    ASSERT_EQ(requests_.asked.size(), 1u) << "once";
    EXPECT_EQ(requests_.asked[0].from, From::peers);
    EXPECT_EQ(requests_.asked[0].digest, missing_->packed.digest);
    EXPECT_EQ(requests_.asked[0].asker, "agent");
    fail_last();
    ASSERT_EQ(requests_.asked.size(), 2u);
    EXPECT_EQ(requests_.asked[1].from, From::anybody);
    fail_last();
    EXPECT_EQ(requests_.asked.size(), 2u) << "nobody is left";
    want();
    EXPECT_EQ(requests_.asked.size(), 3u) << "and it may be wanted again";
}

TEST_F(MissingIndexesTest, WhereNobodyIsExpectedToBringItOthersAreAskedAtOnce) {
    NoLists lists;
    lists.kind = ErrorKind::Transient;
    quests_->set_lists(&lists);
    want();
    EXPECT_EQ(requests_.asked.size(), 0u);
    quests_->hurry();
    EXPECT_EQ(requests_.asked.size(), 1u);
    quests_->hurry();
    loop_.advance(Millis(600'000));
    EXPECT_EQ(requests_.asked.size(), 1u) << "once";
    EXPECT_EQ(lists.looks, 1);
    fail_last();
    EXPECT_EQ(requests_.asked.back().from, From::anybody);
}

TEST_F(MissingIndexesTest, MirrorsAreNotAskedBeyondTheBudgetOfADay) {
    ByteCount spent = 0;
    quests_->set_budget(missing_->packed.size + 10, [&](const std::string&) { return spent; });
    want();
    fail_last();
    EXPECT_EQ(requests_.asked.size(), 2u);
    fail_last();
    spent = 11;
    want();
    fail_last();
    EXPECT_EQ(requests_.asked.size(), 3u) << "peers cost nothing";
}

TEST_F(MissingIndexesTest, WhereAPackageManagerKeepsNoneNobodyIsWaitedFor) {
    NoLists lists;
    quests_->set_lists(&lists);
    quests_->told("/var/lib/apt/lists");
    EXPECT_EQ(lists.folders, std::vector<std::string>{"/var/lib/apt/lists"});
    want();
    EXPECT_EQ(lists.looks, 1);
    EXPECT_EQ(requests_.asked.size(), 1u);
}

TEST_F(MissingIndexesTest, AListOfAnotherVersionIsLookedAtAgainForMinutesBeforeOthersAreAsked) {
    NoLists lists;
    lists.kind = ErrorKind::Transient;
    quests_->set_lists(&lists);
    want();
    loop_.advance(Millis(60'000));
    EXPECT_TRUE(requests_.asked.empty());
    EXPECT_GT(lists.looks, 2);
    loop_.advance(Millis(600'000));
    EXPECT_EQ(lists.looks, 6);
    EXPECT_EQ(requests_.asked.size(), 1u);
}

TEST(MissingIndexes, HaveOneTransactionADay) {
    const WallTime noon{Seconds(1'790'000'000)};
    EXPECT_EQ(broker::MissingIndexes::transaction_of(noon), "agent-2026-09-21");
    EXPECT_NE(broker::MissingIndexes::transaction_of(noon),
              broker::MissingIndexes::transaction_of(noon + Seconds(86'400)));
}

}  // namespace
}  // namespace packswarm::test
