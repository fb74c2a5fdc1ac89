// What unfinished transfers leave to the agent after this one, in the store's folder as a crash or an orderly end
// leaves it.
#include <fstream>

#include "tests/unit/broker/broker_fixture.hpp"

namespace packswarm::broker {
namespace {

class UnfinishedTest : public BrokerTest {
  protected:
    void SetUp() override {
        BrokerTest::SetUp();
        for (auto& [origin, one] : mirrors_.mirrors) one = {4e6, Millis(10), Fault::none, 4e6};
    }
    void ask_until(double part) {
        get("/pool/x.deb", content_);
        loop_.advance_until([&] { return static_cast<double>(sent()) > part * static_cast<double>(size_); });
    }
    void interrupt() {
        ask_until(0.8);
        broker_->cancel(asked_);
        loop_.drain();
    }
    void end_in_order() {
        broker_.reset();
        vault_.reset();
        ledger_.reset();
    }
    // The folder as it is now is all that the next agent finds.
    void crash() {
        std::filesystem::copy(folder_.path(), after_.path(), std::filesystem::copy_options::recursive);
        end_in_order();
        where_ = after_.path();
    }
    void start_again() {
        ledger_ = std::move(*store::Ledger::open({where_}));
        store::VaultSettings settings;
        settings.folder = where_;
        settings.reserve = 0;
        vault_ = std::move(*store::Vault::open(std::move(settings), loop_, loop_));
        broker_ = std::make_unique<Broker>(loop_, mirrors_, peers_, *vault_, *ledger_, trust_,
                                           BrokerSettings{Millis(0), true, formats::all()});
        core::Repository repository;
        repository.id = core::RepositoryId("repo");
        repository.format = test::debian();
        repository.suite = "stable";
        repository.architectures = {"amd64"};
        for (const auto& [origin, one] : mirrors_.mirrors) repository.bases.push_back(origin);
        broker_->book().set_repositories(core::RepositoryTable({repository}));
        loop_.drain();
    }
    // Times the file that were sent for it from here on.
    double fetched_again() {
        const auto before = sent();
        const auto again = get("/pool/x.deb", content_);
        seconds_until({again});
        EXPECT_EQ(again->delivered, 1) << again->error.message;
        EXPECT_TRUE(again->bytes == content_);
        for (const auto& [base, health] : broker_->sources().mirrors()) EXPECT_EQ(health.corrupt, 0) << base;
        loop_.advance(Millis(1000));
        EXPECT_EQ(vault_->usage().staged, 0);
        loop_.drain();  // a note goes when its file is seen to have gone
        EXPECT_TRUE(std::filesystem::is_empty(where_ / "staging"));
        return static_cast<double>(sent() - before) / static_cast<double>(size_);
    }
    std::filesystem::path file_in_staging(bool is_note) const {
        for (const auto& entry : std::filesystem::directory_iterator(where_ / "staging"))
            if ((entry.path().extension() == ".note") == is_note) return entry.path();
        return {};
    }
    void spoil(const std::filesystem::path& path, std::streamoff at) {
        std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
        file.seekg(at);
        const char wrong = static_cast<char>(file.get() ^ 0x20);
        file.seekp(at);
        file.put(wrong);
        EXPECT_TRUE(file.good()) << path;
    }

    const std::string content_ = content_of(8 * limits::mib, 7);
    const ByteCount size_ = static_cast<ByteCount>(content_.size());
    test::TempDir after_;
    std::filesystem::path where_ = folder_.path();
};

TEST_F(UnfinishedTest, AfterAnOrderlyEndTheNextAgentGoesOn) {
    interrupt();
    end_in_order();
    start_again();
    EXPECT_LE(fetched_again(), 0.25);
}

TEST_F(UnfinishedTest, AfterAnOrderlyEndInTheMiddleOfAFileToo) {
    ask_until(0.8);
    end_in_order();
    start_again();
    EXPECT_LE(fetched_again(), 0.25);
}

TEST_F(UnfinishedTest, AfterACrashTheNextAgentGoesOn) {
    interrupt();
    crash();
    start_again();
    EXPECT_LE(fetched_again(), 0.25);
}

TEST_F(UnfinishedTest, AfterACrashInTheMiddleOfAFileLittleIsLost) {
    for (auto& [origin, one] : mirrors_.mirrors) one.rate = one.total = 4e5;  // ten seconds for the file
    ask_until(0.8);
    crash();
    start_again();
    EXPECT_LE(fetched_again(), 0.4) << "a second's worth is not noted yet";
}

TEST_F(UnfinishedTest, ItMayEndMoreThanOnce) {
    ask_until(0.4);
    end_in_order();
    start_again();
    ask_until(0.8);
    end_in_order();
    start_again();
    EXPECT_LE(fetched_again(), 0.3);
}

TEST_F(UnfinishedTest, ADamagedNoteIsNotBelieved) {
    interrupt();
    end_in_order();
    spoil(file_in_staging(true), 100);
    start_again();
    EXPECT_GE(fetched_again(), 0.99);
}

TEST_F(UnfinishedTest, AFileOfAnotherSizeThanWasNotedIsNotBelieved) {
    interrupt();
    end_in_order();
    std::filesystem::resize_file(file_in_staging(false), static_cast<std::uintmax_t>(size_ - 1));
    start_again();
    EXPECT_GE(fetched_again(), 0.99);
}

TEST_F(UnfinishedTest, BytesThatTheDiskHasSpoiledAreFetchedAgainAndNobodyIsBlamed) {
    interrupt();
    end_in_order();
    spoil(file_in_staging(false), 200'000);
    start_again();
    EXPECT_LE(fetched_again(), 1.1);
}

TEST_F(UnfinishedTest, WhatAKnownLiarGaveIsNotTakenUp) {
    interrupt();
    end_in_order();
    {
        auto ledger = std::move(*store::Ledger::open({where_}));
        core::MirrorHealth health;
        health.corrupt = 1;
        for (const auto& [origin, one] : mirrors_.mirrors) ledger->save_mirror_health(origin, health);
    }
    start_again();
    const auto before = sent();
    const auto again = get("/pool/x.deb", content_);
    seconds_until({again});
    EXPECT_TRUE(again->bytes == content_);
    EXPECT_GE(sent() - before, size_);
}

TEST_F(UnfinishedTest, WhatIsOlderThanItsTimeIsDeleted) {
    interrupt();
    end_in_order();
    std::filesystem::last_write_time(
        file_in_staging(true), std::filesystem::file_time_type::clock::now() - limits::remains_kept - Seconds(60));
    start_again();
    EXPECT_TRUE(std::filesystem::is_empty(where_ / "staging"));
}

TEST_F(UnfinishedTest, WhatElseLiesInStagingIsDeleted) {
    interrupt();
    end_in_order();
    const auto staging = where_ / "staging";
    std::ofstream(staging / "77") << "no note";
    std::ofstream(staging / "78.note") << "no file";
    std::ofstream(staging / "79.note.new") << "half a note";
    std::ofstream(staging / "strange.note") << "no number";
    std::filesystem::create_directories(staging / "80" / "folder");
    std::ofstream(staging / "80.note") << "of a folder";
    std::filesystem::create_symlink("/etc/hostname", staging / "81");
    std::ofstream(staging / "81.note") << "of a link";
    start_again();
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(staging), {}), 2) << "the file and its note";
    EXPECT_LE(fetched_again(), 0.25);
}

TEST_F(UnfinishedTest, WhatIsTakenUpGoesFirstWhenRoomIsNeeded) {
    interrupt();
    end_in_order();
    start_again();
    EXPECT_EQ(vault_->usage().staged, size_);
    vault_->set_limits(14 * limits::mib, 0);
    const auto other = get("/pool/other.deb", content_of(8 * limits::mib, 10));
    seconds_until({other});
    EXPECT_EQ(other->delivered, 1) << other->error.message;
}

}  // namespace
}  // namespace packswarm::broker
