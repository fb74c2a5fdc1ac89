#include "p2p/store/ledger.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/store/vault_fixture.hpp"

namespace packswarm::store {
namespace {

using broker::SourceKind;

class LedgerTest : public ::testing::Test {
  protected:
    void SetUp() override { open(); }
    void open() {
        ledger.reset();
        auto opened = Ledger::open({folder.path() / "state", max_transfers});
        ASSERT_TRUE(opened) << opened.error().message;
        ledger = std::move(*opened);
    }
    std::filesystem::path state(const std::string& name) const { return folder.path() / "state" / name; }
    void lose_database() {
        ledger.reset();
        for (const char* name : {"ledger.db", "ledger.db-wal", "ledger.db-shm"}) std::filesystem::remove(state(name));
    }
    std::optional<broker::Floor> floor(const core::FloorName& name) const {
        for (const auto& known : ledger->floors())
            if (known.name == name) return known;
        return std::nullopt;
    }

    static broker::TransferRecord transfer(const std::string& name, const std::string& transaction = "t1") {
        broker::TransferRecord out;
        out.transaction = transaction;
        out.asker = "apt";
        out.name = name;
        out.digest = digest_of(name);
        out.size = 100;
        out.started = WallTime(Seconds(1000));
        out.seconds = 0.5;
        out.outcome = "ok";
        out.sources = {{SourceKind::mirror, "http://a.example/debian", 70, 10},
                       {SourceKind::peer, "192.0.2.7:6881", 40, 0}};
        out.reasons = {"two sources", "the mirror was slow"};
        return out;
    }

    Folder folder;
    std::size_t max_transfers = 1000;
    std::unique_ptr<Ledger> ledger;
    const core::FloorName bookworm{"debian/F/bookworm/amd64"}, lab{"pacman/G/lab/x86_64"};
};

TEST_F(LedgerTest, RemembersWhichRootsAnAddressShowed) {
    core::Sighting one{"http://m/dists/s/InRelease", digest_of("file"),    digest_of("content"),
                       digest_of("bundle"),          digest_of("product"), WallTime(Seconds(10)),
                       WallTime(Seconds(11)),        WallTime(Seconds(12))};
    auto other = one;
    other.file = digest_of("other");
    other.modified.reset();
    ledger->save_sighting(one);
    ledger->save_sighting(other);
    one.confirmed = WallTime(Seconds(20));
    ledger->save_sighting(one);
    open();
    ASSERT_EQ(ledger->sightings().size(), 2U);
    for (const auto& row : ledger->sightings()) {
        const auto& expected = row.file == one.file ? one : other;
        EXPECT_EQ(row.address, expected.address);
        EXPECT_EQ(row.content, expected.content);
        EXPECT_EQ(row.bundle, expected.bundle);
        EXPECT_EQ(row.product, expected.product);
        EXPECT_EQ(row.date, expected.date);
        EXPECT_EQ(row.modified, expected.modified);
        EXPECT_EQ(row.confirmed, expected.confirmed);
    }
    auto later = one;
    later.modified = WallTime(Seconds(99));
    ledger->save_sighting(later);
    ledger->save_sighting(other);
    ASSERT_EQ(ledger->sightings().size(), 3U) << "a file that came again with another date is another sighting";
    EXPECT_EQ(ledger->sightings().front().file, other.file) << "the last written first";
    ledger->forget_sighting(later);
    ledger->forget_sighting(other);
    ASSERT_EQ(ledger->sightings().size(), 1U);
    EXPECT_EQ(ledger->sightings().front().modified, one.modified);
}

TEST_F(LedgerTest, KeepsThePeersMetOverARestart) {
    EXPECT_TRUE(ledger->known_peers().empty());
    const core::KnownPeer one{lineage_of("l"), "192.0.2.7:26881", WallTime(Seconds(1000)), 5, 2},
        other{lineage_of("l"), "[2001:db8::1]:1", WallTime(Seconds(2000)), 0, 0};
    ledger->update_peers({{one, other}, {}});
    open();
    EXPECT_EQ(ledger->known_peers(), (std::vector{one, other}));
    auto more = one;
    more.received = 6;
    ledger->update_peers({{more}, {other}});
    open();
    EXPECT_EQ(ledger->known_peers(), std::vector{more});
}

TEST_F(LedgerTest, KeepsFloorsOverARestart) {
    EXPECT_TRUE(ledger->floors().empty());
    ASSERT_TRUE(raise_floor(*ledger, {bookworm, WallTime(Seconds(1000)), digest_of("one")}));
    ASSERT_TRUE(raise_floor(*ledger, {lab, WallTime(Seconds(5)), digest_of("two")}));
    open();
    ASSERT_EQ(ledger->floors().size(), 2u);
    EXPECT_EQ(floor(bookworm)->date, WallTime(Seconds(1000)));
    EXPECT_EQ(floor(bookworm)->root, digest_of("one"));
}

TEST_F(LedgerTest, NeverLowersAFloor) {
    ASSERT_TRUE(raise_floor(*ledger, {bookworm, WallTime(Seconds(1000)), digest_of("new")}));
    ASSERT_TRUE(raise_floor(*ledger, {bookworm, WallTime(Seconds(999)), digest_of("old")}));
    EXPECT_EQ(floor(bookworm)->root, digest_of("new"));
    open();
    EXPECT_EQ(floor(bookworm)->root, digest_of("new"));
}

TEST_F(LedgerTest, LowersAFloorOnlyWhenTheOwnerSaysSo) {
    ASSERT_TRUE(raise_floor(*ledger, {bookworm, WallTime(Seconds(1000)), digest_of("new")}));
    ASSERT_TRUE(ledger->reset_floor(bookworm));
    EXPECT_EQ(ledger->reset_floor(bookworm).error().kind, ErrorKind::Absent);
    open();
    EXPECT_FALSE(floor(bookworm));
}

TEST_F(LedgerTest, RefusesALineageThatWouldForgeALine) {
    EXPECT_FALSE(raise_floor(*ledger, {core::FloorName("a\n9999999999 00 b"), WallTime(Seconds(1)), digest_of("x")}));
    EXPECT_FALSE(raise_floor(*ledger, {{}, WallTime(Seconds(1)), digest_of("x")}));
}

TEST_F(LedgerTest, FindsItsFloorsInTheTextWhenTheDatabaseIsLost) {
    ASSERT_TRUE(raise_floor(*ledger, {bookworm, WallTime(Seconds(1000)), digest_of("one")}));
    lose_database();
    open();
    ASSERT_TRUE(floor(bookworm));
    EXPECT_EQ(floor(bookworm)->date, WallTime(Seconds(1000)));
    EXPECT_EQ(floor(bookworm)->root, digest_of("one"));
}

TEST_F(LedgerTest, FindsItsFloorsInTheDatabaseWhenTheTextIsLostAndWritesItAnew) {
    ASSERT_TRUE(raise_floor(*ledger, {bookworm, WallTime(Seconds(1000)), digest_of("one")}));
    std::filesystem::remove(state("floors.txt"));
    open();
    ASSERT_TRUE(floor(bookworm));
    EXPECT_NE(text_of(state("floors.txt")).find(bookworm.text()), std::string::npos);
}

TEST_F(LedgerTest, TakesTheHigherFloorOfTextAndDatabase) {
    ASSERT_TRUE(raise_floor(*ledger, {bookworm, WallTime(Seconds(1000)), digest_of("one")}));
    const auto old_text = text_of(state("floors.txt"));
    ASSERT_TRUE(raise_floor(*ledger, {bookworm, WallTime(Seconds(2000)), digest_of("two")}));
    ledger.reset();
    write_text(state("floors.txt"), old_text);
    open();
    EXPECT_EQ(floor(bookworm)->root, digest_of("two"));
    ledger.reset();
    write_text(state("floors.txt"), "3000 " + digest_of("three").hex() + " " + bookworm.text() + "\n");
    open();
    EXPECT_EQ(floor(bookworm)->root, digest_of("three"));
    ledger.reset();
    std::filesystem::remove(state("floors.txt"));
    open();
    ASSERT_TRUE(floor(bookworm));
    EXPECT_EQ(floor(bookworm)->root, digest_of("three")) << "the table has caught up";
}

// Whatever became of the text beside a good table: the floors are the table's, and it is set aside.
TEST_F(LedgerTest, SetsADamagedTextAsideBesideAGoodTable) {
    ASSERT_TRUE(raise_floor(*ledger, {bookworm, WallTime(Seconds(1000)), digest_of("one")}));
    EXPECT_TRUE(ledger->what_was_set_aside().empty());
    const auto good = text_of(state("floors.txt"));
    auto flipped = good;
    flipped[flipped.find("1000 ")] = '9';
    const std::string line = "9000 " + digest_of("x").hex() + " " + bookworm.text() + "\n";
    const std::filesystem::path text = state("floors.txt"), precious = folder.path() / "precious";
    write_text(precious, line);
    const std::vector<std::pair<std::string, std::function<void()>>> damages = {
        {"garbage", [&] { write_text(text, filler(5000, 9)); }},
        {"a line of it", [&] { write_text(text, line + "nonsense\n"); }},
        {"another date", [&] { write_text(text, flipped); }},
        {"cut off", [&] { write_text(text, good.substr(0, good.size() - 30)); }},
        {"cut off at a line", [&] { write_text(text, good.substr(0, good.rfind('#'))); }},
        {"more behind it", [&] { write_text(text, good + line); }},
        {"empty", [&] { write_text(text, ""); }},
        {"a folder", [&] { std::filesystem::create_directories(text / "full"); }},
        {"a link", [&] { std::filesystem::create_symlink(precious, text); }},
        {"a dangling link", [&] { std::filesystem::create_symlink(folder.path() / "nowhere", text); }},
        {"a pipe", [&] { ASSERT_EQ(::mkfifo(text.c_str(), 0600), 0); }},
        {"huge", [&] { write_text(text, ""), std::filesystem::resize_file(text, ByteCount{9} << 30); }},
        {"not to be read",
         [&] { write_text(text, line), std::filesystem::permissions(text, std::filesystem::perms::none); }},
    };
    for (const auto& [name, damage] : damages) {
        SCOPED_TRACE(name);
        if (name == "not to be read" && ::geteuid() == 0) continue;  // root reads everything
        ledger.reset();
        std::filesystem::remove_all(text);
        std::filesystem::remove_all(state("floors.txt.damaged"));
        damage();
        open();
        ASSERT_EQ(ledger->floors().size(), 1u);
        EXPECT_EQ(floor(bookworm)->root, digest_of("one"));
        EXPECT_NE(ledger->what_was_set_aside().find("floors.txt.damaged"), std::string::npos)
            << ledger->what_was_set_aside();
        EXPECT_NE(std::filesystem::symlink_status(state("floors.txt.damaged")).type(),
                  std::filesystem::file_type::not_found);
        EXPECT_EQ(text_of(text), good) << "written anew";
        open();
        EXPECT_TRUE(ledger->what_was_set_aside().empty()) << "said once";
    }
    EXPECT_EQ(text_of(precious), line);
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "nowhere"));
}

TEST_F(LedgerTest, StartsWithoutFloorsWhenBothCopiesAreDamaged) {
    ASSERT_TRUE(raise_floor(*ledger, {bookworm, WallTime(Seconds(1000)), digest_of("one")}));
    lose_database();
    write_text(state("ledger.db"), "SQLite format 3" + filler(9000, 4));
    write_text(state("floors.txt"), filler(5000, 9));
    open();
    EXPECT_TRUE(ledger->floors().empty());
    EXPECT_TRUE(std::filesystem::exists(state("ledger.db.damaged")));
    EXPECT_TRUE(std::filesystem::exists(state("floors.txt.damaged")));
    EXPECT_FALSE(ledger->what_was_set_aside().empty());
    open();
    EXPECT_TRUE(ledger->what_was_set_aside().empty());
    ASSERT_TRUE(raise_floor(*ledger, {bookworm, WallTime(Seconds(2000)), digest_of("two")}));
    open();
    EXPECT_EQ(floor(bookworm)->root, digest_of("two"));
}

TEST_F(LedgerTest, BelievesNoDateToComeOfADamagedText) {
    lose_database();
    write_text(state("floors.txt"), "nonsense\n99999999999 " + digest_of("a").hex() + " lineage/a\n");
    open();
    EXPECT_TRUE(ledger->floors().empty());
}

TEST_F(LedgerTest, UsesNothingThatLiesInThePlaceOfItsDatabase) {
    const auto precious = folder.path() / "precious";
    for (const char* name : {"ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db-journal"}) {
        SCOPED_TRACE(name);
        ledger.reset();
        const auto place = state(name);
        const auto expect_refused = [&](const std::string& word) {
            const auto opened = Ledger::open({folder.path() / "state", max_transfers});
            ASSERT_FALSE(opened);
            EXPECT_TRUE(opened.error().message.starts_with(place.string() + " is ")) << opened.error().message;
            EXPECT_NE(opened.error().message.find(word), std::string::npos) << opened.error().message;
            EXPECT_NE(std::filesystem::symlink_status(place).type(), std::filesystem::file_type::not_found)
                << "left there";
            std::filesystem::remove(place);
        };
        std::filesystem::remove(place);
        write_text(precious, "");
        std::filesystem::create_symlink(precious, place);
        expect_refused("symbolic link");
        std::filesystem::create_symlink(folder.path() / "nowhere", place);
        expect_refused("symbolic link");
        std::filesystem::create_hard_link(precious, place);
        expect_refused("hard link");
        ASSERT_EQ(::mkfifo(place.c_str(), 0600), 0);
        expect_refused("named pipe");
        std::filesystem::create_directory(place);
        expect_refused("folder");
        EXPECT_EQ(text_of(precious), "");
        EXPECT_FALSE(std::filesystem::exists(folder.path() / "nowhere"));
    }
    open();
}

TEST_F(LedgerTest, WorksInAFolderThatItsOwnerLaidElsewhere) {
    ASSERT_TRUE(raise_floor(*ledger, {bookworm, WallTime(Seconds(1000)), digest_of("one")}));
    ledger.reset();
    std::filesystem::rename(folder.path() / "state", folder.path() / "elsewhere");
    std::filesystem::create_directory_symlink("elsewhere", folder.path() / "state");
    open();
    EXPECT_TRUE(floor(bookworm));
}

TEST_F(LedgerTest, LeavesOutDamagedLinesOfTheTextAndKeepsTheOthers) {
    lose_database();
    write_text(state("floors.txt"), "nonsense\n12x " + digest_of("a").hex() +
                                        " lineage/a\n1000 tooshort lineage/b\n1000 " + digest_of("c").hex() +
                                        " lineage c/with spaces\n1000 " + digest_of("d").hex() + " \n5");
    open();
    ASSERT_EQ(ledger->floors().size(), 1u);
    EXPECT_EQ(ledger->floors().front().name.text(), "lineage c/with spaces");
}

TEST_F(LedgerTest, MovesADamagedDatabaseAsideAndKeepsItsFloors) {
    ASSERT_TRUE(raise_floor(*ledger, {bookworm, WallTime(Seconds(1000)), digest_of("one")}));
    ledger->record(transfer("pool/h/hello_1_amd64.deb"));
    lose_database();
    write_text(state("ledger.db"), "SQLite format 3" + filler(9000, 4));
    open();
    EXPECT_TRUE(std::filesystem::exists(state("ledger.db.damaged")));
    EXPECT_EQ(floor(bookworm)->root, digest_of("one"));
    EXPECT_TRUE(ledger->recent_transfers(10).empty());
    ledger->record(transfer("pool/h/hello_2_amd64.deb"));
    EXPECT_EQ(ledger->recent_transfers(10).size(), 1u);
}

TEST_F(LedgerTest, FindsDamageInTheMiddleOfItsDatabase) {
    for (int i = 0; i < 300; ++i) ledger->record(transfer("pool/h/hello_" + std::to_string(i) + "_amd64.deb"));
    ASSERT_TRUE(raise_floor(*ledger, {bookworm, WallTime(Seconds(1000)), digest_of("one")}));
    ledger.reset();
    auto bytes = text_of(state("ledger.db"));
    ASSERT_GT(bytes.size(), 40'000u);
    for (std::size_t at = 8192; at < bytes.size(); ++at) bytes[at] = static_cast<char>(at * 31);
    write_text(state("ledger.db"), bytes);
    open();
    EXPECT_TRUE(std::filesystem::exists(state("ledger.db.damaged")));
    EXPECT_EQ(floor(bookworm)->root, digest_of("one"));
}

TEST_F(LedgerTest, HasAFloorOnDiskBeforeItReturns) {
    ledger.reset();
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        auto mine = Ledger::open({folder.path() / "state", 10});
        if (!mine || !raise_floor(**mine, {bookworm, WallTime(Seconds(1000)), digest_of("one")})) ::_exit(1);
        ::kill(::getpid(), SIGKILL);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    open();
    EXPECT_TRUE(floor(bookworm));
    std::filesystem::remove(state("floors.txt"));
    open();
    EXPECT_TRUE(floor(bookworm)) << "the table has it as well";
}

TEST_F(LedgerTest, KeepsMirrorHealth) {
    core::MirrorHealth health;
    health.first_byte_s = 0.25;
    health.first_byte_dev_s = 0.125;
    health.rate = 1e6;
    health.samples = 1;
    health.failures_in_row = 2;
    health.absent = 3;
    health.corrupt = 4;
    health.errors = 5;
    health.good = 6;
    health.absent_in_row = 7;
    health.back_at = WallTime(Seconds(99));
    health.ranges = false;
    ledger->save_mirror_health("http://a.example", core::MirrorHealth{});
    ledger->save_mirror_health("http://a.example", health);
    ledger->save_mirror_health("http://b.example", core::MirrorHealth{});
    open();
    const auto all = ledger->mirror_health();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].first, "http://a.example");
    const auto& kept = all[0].second;
    EXPECT_EQ(kept.first_byte_s, 0.25);
    EXPECT_EQ(kept.first_byte_dev_s, 0.125);
    EXPECT_EQ(kept.rate, 1e6);
    EXPECT_EQ((std::vector<int>{kept.samples, kept.failures_in_row, kept.absent, kept.corrupt, kept.errors, kept.good,
                                kept.absent_in_row}),
              (std::vector<int>{1, 2, 3, 4, 5, 6, 7}));
    EXPECT_EQ(kept.back_at, WallTime(Seconds(99)));
    EXPECT_FALSE(kept.ranges);
    EXPECT_FALSE(all[1].second.back_at);
    EXPECT_TRUE(all[1].second.ranges);
}

TEST_F(LedgerTest, ExplainsATransferWithItsSourcesAndReasons) {
    ledger->record(transfer("pool/main/h/hello/hello_2.10-3_amd64.deb"));
    open();
    const auto found = ledger->transfers_named("hello", 10);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].transaction, "t1");
    EXPECT_EQ(found[0].asker, "apt");
    EXPECT_EQ(found[0].name, "pool/main/h/hello/hello_2.10-3_amd64.deb");
    EXPECT_EQ(found[0].digest, digest_of("pool/main/h/hello/hello_2.10-3_amd64.deb"));
    EXPECT_EQ(found[0].size, 100);
    EXPECT_EQ(found[0].started, WallTime(Seconds(1000)));
    EXPECT_EQ(found[0].seconds, 0.5);
    EXPECT_EQ(found[0].outcome, "ok");
    EXPECT_EQ(found[0].reasons, (std::vector<std::string>{"two sources", "the mirror was slow"}));
    ASSERT_EQ(found[0].sources.size(), 2u);
    EXPECT_EQ(found[0].sources[0].kind, SourceKind::mirror);
    EXPECT_EQ(found[0].sources[0].source, "http://a.example/debian");
    EXPECT_EQ(found[0].sources[0].bytes, 70);
    EXPECT_EQ(found[0].sources[0].wasted, 10);
    EXPECT_EQ(found[0].sources[1].kind, SourceKind::peer);
}

TEST_F(LedgerTest, FindsTransfersByPackageNameOfEitherFormatThenByPartThenByDigest) {
    for (const char* name :
         {"pool/c/curl/curl_7.88_amd64.deb", "pool/c/curl/libcurl4_7.88_amd64.deb", "curl-8.5-1-x86_64.pkg.tar.zst",
          "curl-tools-1.0-1-any.pkg.tar.zst", "extra/os/x86_64/what*is[this]-1-1-any.pkg.tar.zst"})
        ledger->record(transfer(name));
    const auto names = [&](const std::string& text) {
        std::vector<std::string> out;
        for (const auto& found : ledger->transfers_named(text, 10)) out.push_back(found.name);
        return out;
    };
    EXPECT_EQ(names("curl"),
              (std::vector<std::string>{"curl-8.5-1-x86_64.pkg.tar.zst", "pool/c/curl/curl_7.88_amd64.deb"}));
    EXPECT_EQ(names("libcurl"), std::vector<std::string>{"pool/c/curl/libcurl4_7.88_amd64.deb"});
    EXPECT_EQ(names("pool/c/curl/curl_7.88_amd64.deb"), std::vector<std::string>{"pool/c/curl/curl_7.88_amd64.deb"});
    EXPECT_EQ(names("what*is[this]"), std::vector<std::string>{"extra/os/x86_64/what*is[this]-1-1-any.pkg.tar.zst"});
    EXPECT_EQ(names(digest_of("curl-8.5-1-x86_64.pkg.tar.zst").hex()),
              std::vector<std::string>{"curl-8.5-1-x86_64.pkg.tar.zst"});
    EXPECT_TRUE(names("c%l").empty());
    EXPECT_EQ(ledger->transfers_named("curl", 1).size(), 1u);
    std::size_t seen = 0;
    const auto third_on = [&seen](const std::optional<Digest>&) { return ++seen > 2; };
    EXPECT_EQ(ledger->transfers_named("", 1, 10, third_on).size(), 1u) << "the first that may be shown";
    EXPECT_EQ(seen, 3u) << "and no more is looked at";
}

TEST_F(LedgerTest, AddsUpBytesByKindOverallAndByTransaction) {
    ledger->record(transfer("a_1_all.deb", "t1"));
    ledger->record(transfer("b_1_all.deb", "t1"));
    auto cached = transfer("c_1_all.deb", "t2");
    cached.sources = {{SourceKind::cache, "", 100, 0}};
    ledger->record(cached);
    auto failed = transfer("d_1_all.deb", "t2");
    failed.sources.clear();
    failed.digest.reset();
    failed.outcome = "absent: no source has it";
    failed.started = WallTime(Seconds(1010));
    ledger->record(failed);
    EXPECT_EQ(ledger->totals()[SourceKind::mirror].bytes, 140);
    EXPECT_EQ(ledger->totals()[SourceKind::mirror].wasted, 20);
    EXPECT_EQ(ledger->totals()[SourceKind::peer].bytes, 80);
    EXPECT_EQ(ledger->totals()[SourceKind::cache].bytes, 100);
    EXPECT_EQ(ledger->totals_of("t1")[SourceKind::peer].bytes, 80);
    EXPECT_FALSE(ledger->totals_of("t2").contains(SourceKind::peer));
    EXPECT_EQ(ledger->transfers_of("t1", 10).size(), 2u);
    const auto recent = ledger->recent_transactions(10);
    ASSERT_EQ(recent.size(), 2u);
    EXPECT_EQ(recent[0].transaction, "t2");
    EXPECT_EQ(recent[0].files, 2u);
    EXPECT_EQ(recent[0].failed, 1u);
    EXPECT_EQ(recent[0].bytes, 100);
    EXPECT_EQ(recent[0].seconds, 10.5);
    EXPECT_EQ(recent[1].totals.at(SourceKind::mirror).bytes, 140);
}

TEST_F(LedgerTest, ForgetsOldTransfersButNotTheirTotals) {
    max_transfers = 50;
    open();
    for (int i = 0; i < 400; ++i) ledger->record(transfer("a_" + std::to_string(i) + "_all.deb"));
    const auto left = ledger->recent_transfers(1000);
    EXPECT_LE(left.size(), 50u + 128u);
    EXPECT_GE(left.size(), 50u);
    EXPECT_EQ(left.front().name, "a_399_all.deb");
    EXPECT_EQ(left.front().sources.size(), 2u);
    EXPECT_EQ(ledger->totals()[SourceKind::mirror].bytes, 400 * 70);
}

TEST_F(LedgerTest, BoundsWhatOneTransferMayLeave) {
    auto chatty = transfer("a_1_all.deb");
    chatty.reasons.assign(5000, std::string(5000, 'x') + "\nforged line");
    chatty.outcome = std::string(5000, 'y');
    ledger->record(chatty);
    const auto kept = ledger->recent_transfers(1).at(0);
    EXPECT_LE(kept.reasons.size(), 64u);
    for (const auto& reason : kept.reasons) EXPECT_LE(reason.size(), 310u);
    EXPECT_LE(kept.outcome.size(), 310u);
}

TEST_F(LedgerTest, CountsBytesSentByMonth) {
    const auto day = [](int year, unsigned month, unsigned number) {
        return WallTime(
            std::chrono::sys_days(std::chrono::year(year) / static_cast<int>(month) / static_cast<int>(number)));
    };
    ledger->add_sent({10, 1}, day(2026, 1, 31));
    ledger->add_sent({5, 0}, day(2026, 2, 1));
    ledger->add_sent({7, 2}, day(2026, 2, 28));
    open();
    EXPECT_EQ(ledger->sent_in_month(day(2026, 1, 1)), (Sent{10, 1}));
    EXPECT_EQ(ledger->sent_in_month(day(2026, 2, 15)), (Sent{12, 2}));
    EXPECT_EQ(ledger->sent_in_month(day(2026, 3, 1)), Sent{});
    EXPECT_EQ(ledger->sent(), (Sent{22, 3}));
    EXPECT_EQ(ledger->sent_by_month(),
              (std::vector<std::pair<std::string, Sent>>{{"2026-01", {10, 1}}, {"2026-02", {12, 2}}}));
}

TEST_F(LedgerTest, SaysWhatIsWrongWhenItsFolderCannotBeMade) {
    write_text(folder.path() / "file", "in the way");
    const auto opened = Ledger::open({folder.path() / "file" / "state", 10});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::Broken);
}

}  // namespace
}  // namespace packswarm::store
