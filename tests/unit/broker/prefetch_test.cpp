#include "p2p/broker/prefetch.hpp"

#include "p2p/base/limits.hpp"
#include "tests/unit/broker/pacman_fixture.hpp"

namespace packswarm::broker {
namespace {

using core::PrintedPackage;

// A pacman repository with a signed database; only mirrors are made up. Packages p00 to p39 of 20 to 40 KB, and two
// large ones.
class AheadTest : public test::PacmanFixture {
  protected:
    void SetUp() override {
        PacmanFixture::SetUp();
        use_lab();
    }
    // Without a signature in the database the first few packages are real ones with a signature beside them.
    void list(const std::string& signature) {
        std::vector<test::PacmanPackage> packages;
        for (int i = 0; i < 42; ++i) {
            test::PacmanPackage package;
            package.name = fmt::format("p{:02}", i);
            package.file = std::string(i < 40 ? 20'000 + 500 * static_cast<std::size_t>(i) : 3 << 20,
                                       static_cast<char>('a' + i % 26)) +
                           package.name;
            package.signature = signature;
            if (signature.empty() && i < 5)
                package.file = test::pacman_package_file(package.name, "1-1", "x86_64", package.file);
            files_.push_back(package.file_name());
            mirrors_.files["/" + package.file_name()] = package.file;
            if (signature.empty() && i < 5) mirrors_.files["/" + package.file_name() + ".sig"] = sign(package.file);
            packages.push_back(std::move(package));
        }
        accept(packages);
    }
    std::vector<PrintedPackage> printed(std::size_t from, std::size_t to) const {
        std::vector<PrintedPackage> out;
        for (auto i = from; i < to; ++i) out.push_back({"lab", files_[i], false});
        return out;
    }
    bool is_stored(std::size_t i) { return vault_->find(digest_of(mirrors_.files.at("/" + files_[i]))).has_value(); }
    ByteCount sent() const {
        const auto at = mirrors_.sent.find("http://lab");
        return at == mirrors_.sent.end() ? 0 : at->second;
    }
    Prefetch& prefetch() { return broker_->prefetch(); }

    std::vector<std::string> files_;
};

TEST_F(AheadTest, FetchesWhatTheIndexListsAndKeepsIt) {
    list("signature");
    auto wanted = printed(0, 42);
    wanted.push_back({"lab", "unknown-1-1-any.pkg.tar.zst", false});
    wanted.push_back({"elsewhere", files_[3], false});
    wanted.push_back({"lab", files_[4], false});  // twice
    wanted[7].is_here = true;
    EXPECT_EQ(prefetch().want(test::pacman(), wanted), 41u);
    EXPECT_FALSE(broker_->is_awaited());
    loop_.advance(Millis(60'000));
    EXPECT_EQ(prefetch().left(), 0u);
    for (std::size_t i = 0; i < files_.size(); ++i) EXPECT_EQ(is_stored(i), i != 7) << i;
    const auto before = sent();
    const auto asked = get(files_[40]);
    loop_.advance(Millis(1000));
    EXPECT_EQ(asked->bytes, mirrors_.files.at("/" + files_[40]));
    EXPECT_EQ(sent(), before);
    EXPECT_EQ(prefetch().want(test::pacman(), printed(0, 42)), 1u) << "what is stored is not wanted again";
}

TEST_F(AheadTest, WhoComesToWaitJoinsWhatIsUnderWay) {
    list("signature");
    prefetch().want(test::pacman(), printed(40, 42));
    loop_.advance(Millis(60));
    ASSERT_EQ(broker_->live().size(), 2u);
    EXPECT_EQ(broker_->live()[0].asker, "prefetch");
    const auto asked = get(files_[40]);
    loop_.advance(Millis(1));
    EXPECT_EQ(broker_->live()[0].asker, "pacman");
    EXPECT_TRUE(broker_->is_awaited());
    loop_.advance(Millis(60'000));
    EXPECT_EQ(asked->delivered, 1);
    EXPECT_LE(sent(), (7LL << 20));
}

TEST_F(AheadTest, WhatIsWaitedForDoesNotStandBehindIt) {
    list("signature");
    mirrors_.mirrors["http://lab"].rate = mirrors_.mirrors["http://lab"].total = 2e5;
    prefetch().want(test::pacman(), printed(0, 40));
    loop_.advance(Millis(300));
    const auto asked = get(files_[41]), small = get(files_[39]);
    loop_.advance(Millis(4'000));  // all in front of it would take six seconds
    EXPECT_EQ(small->delivered, 1);
    EXPECT_GT(prefetch().left(), 0u);
}

TEST_F(AheadTest, EndsWithoutATraceExceptWhereSomebodyWaits) {
    list("signature");
    prefetch().want(test::pacman(), printed(0, 42));
    loop_.advance(Millis(60));
    const auto asked = get(files_[41]);
    loop_.advance(Millis(10));
    prefetch().end();
    loop_.advance(Millis(10));
    EXPECT_EQ(broker_->live().size(), 1u);
    loop_.advance(Millis(60'000));
    EXPECT_EQ(asked->delivered, 1);
    EXPECT_TRUE(broker_->live().empty());
    EXPECT_EQ(broker_->counters().open, 0u);
}

TEST_F(AheadTest, GoesOnWhenWhoWaitedHasLeft) {
    list("signature");
    prefetch().want(test::pacman(), printed(40, 41));
    loop_.advance(Millis(60));
    RequestId id{};
    const auto asked = get(files_[40], &id);
    loop_.advance(Millis(10));
    broker_->cancel(id);
    EXPECT_EQ(broker_->live()[0].asker, "prefetch");
    loop_.advance(Millis(60'000));
    EXPECT_EQ(asked->delivered, 0);
    EXPECT_TRUE(is_stored(40));
}

TEST_F(AheadTest, FailsQuietlyAndPacmanMayTryAgain) {
    list("signature");
    mirrors_.mirrors["http://lab"].fault = test::MirrorManner::Fault::refused_connection;
    prefetch().want(test::pacman(), printed(0, 42));
    loop_.advance(Millis(60'000));
    EXPECT_EQ(prefetch().left(), 0u);
    EXPECT_EQ(broker_->counters().failed, 0u);
    mirrors_.mirrors["http://lab"].fault = test::MirrorManner::Fault::none;
    const auto asked = get(files_[0]);
    loop_.advance(Millis(120'000));
    EXPECT_EQ(asked->delivered, 1);
}

TEST_F(AheadTest, NeverTakesMoreThanThereIsRoomBesideWhatIsCurrent) {
    list("signature");
    const auto kept = get(files_[41]);
    loop_.advance(Millis(30'000));
    ASSERT_EQ(kept->delivered, 1);
    vault_->set_current([this](const Digest& digest) { return book().is_current(digest); });
    vault_->set_limits((6 << 20) + 100'000, 0);  // the large one that is here, hardly another, and a few small ones
    const auto wanted = prefetch().want(test::pacman(), printed(0, 41));
    EXPECT_GT(wanted, 0u);
    EXPECT_LT(wanted, 41u);
    loop_.advance(Millis(60'000));
    EXPECT_TRUE(is_stored(41)) << "what is current had to go for what nobody waits for";
    EXPECT_LE(vault_->usage().stored, (6 << 20) + 100'000);
}

std::vector<core::CatalogHit> hits(const IndexBook& book, const std::vector<std::string>& files, std::size_t from,
                                   std::size_t to) {
    std::vector<core::CatalogHit> out;
    for (auto i = from; i < to; ++i)
        out.push_back(*book.catalog().find(core::RepositoryId("pacman:lab:x86_64"), files[i]));
    return out;
}

TEST_F(AheadTest, UpgradesAreTakenInTheirOrderUpToTheMostThatTheyMayTake) {
    list("signature");
    EXPECT_EQ(broker_->upgrades().want(hits(book(), files_, 0, 42), 100'000, "month"), 4u) << "of some 20,000 bytes";
    loop_.advance(Millis(60'000));
    for (std::size_t i = 0; i < files_.size(); ++i) EXPECT_EQ(is_stored(i), i < 4) << i;
    EXPECT_EQ(broker_->upgrades().want(hits(book(), files_, 0, 42), 100'000, "month"), 0u) << "what is here counts";
    EXPECT_EQ(ledger_->totals_of("month")[SourceKind::mirror].bytes, sent());
}

TEST_F(AheadTest, UpgradesAndATransactionDoNotEndEachOther) {
    list("signature");
    broker_->upgrades().want(hits(book(), files_, 40, 41), 1 << 30, "month");
    prefetch().want(test::pacman(), printed(41, 42));
    prefetch().end();
    loop_.advance(Millis(60'000));
    EXPECT_TRUE(is_stored(40));
    EXPECT_FALSE(is_stored(41));
}

TEST_F(AheadTest, WhatWasBegunIsGoneOnWithLater) {
    list("signature");
    mirrors_.mirrors["http://lab"].rate = mirrors_.mirrors["http://lab"].total = 1e6;
    broker_->upgrades().want(hits(book(), files_, 40, 41), 1 << 30, "month");
    loop_.advance(Millis(2'000));
    broker_->upgrades().end();
    const auto before = sent();
    EXPECT_GT(before, 1'000'000);
    loop_.advance(Millis(10'000));
    EXPECT_EQ(sent(), before) << "nothing comes any more";
    broker_->upgrades().want(hits(book(), files_, 40, 41), 1 << 30, "month");
    loop_.advance(Millis(60'000));
    EXPECT_TRUE(is_stored(40));
    EXPECT_LT(sent(), (3 << 20) + 200'000) << "hardly a byte came twice";
}

TEST_F(AheadTest, DetachedSignaturesComeWithTheirPackages) {
    list("");
    prefetch().want(test::pacman(), printed(0, 5));
    loop_.advance(Millis(60'000));
    mirrors_.mirrors["http://lab"].fault = test::MirrorManner::Fault::refused_connection;
    const auto package = get(files_[2]), signature = get(files_[2] + ".sig");
    loop_.advance(Millis(1'000));
    EXPECT_EQ(package->delivered, 1);
    EXPECT_EQ(signature->bytes, mirrors_.files.at("/" + files_[2] + ".sig"));
}

}  // namespace
}  // namespace packswarm::broker
