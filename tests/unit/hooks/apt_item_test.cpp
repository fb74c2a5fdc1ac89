#include "hooks/apt/item.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "p2p/base/limits.hpp"

namespace packswarm::hooks {
namespace {

namespace fs = std::filesystem;
using control::Event;
using control::EventKind;

class Items : public ::testing::Test {
  protected:
    Items() {
        std::string pattern = (fs::temp_directory_path() / "packswarm-item-XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
        target_ = folder_ / "target";
        content_.resize(5 * limits::mib);
        for (std::size_t i = 0; i < content_.size(); ++i) content_[i] = static_cast<char>(i * 31 + i / 4096);
        digest_ = verify::digest_of(as_bytes(content_));
    }
    ~Items() override { fs::remove_all(folder_); }

    AptItem item(std::initializer_list<std::pair<const char*, std::string>> fields) const {
        AptMessage acquire(600, "URI Acquire");
        acquire.add("URI", "http://a.example/x.deb").add("Filename", target_.string());
        for (const auto& [name, value] : fields) acquire.add(name, value);
        return AptItem(acquire, acquire.text());
    }
    AptItem expecting_content() const {
        return item(
            {{"Expected-SHA256", digest_.hex()}, {"Expected-Checksum-FileSize", std::to_string(content_.size())}});
    }
    void write_source(const std::string& text) const { std::ofstream(folder_ / "source", std::ios::binary) << text; }
    Event event(EventKind kind, ByteCount prefix = 0) const {
        Event out;
        out.kind = kind;
        out.size = static_cast<ByteCount>(content_.size());
        out.prefix = out.received = prefix;
        out.modified = WallTime(Seconds(784111777));
        out.digest = digest_;
        if (kind != EventKind::progress)
            out.file = FileHandle(::open((folder_ / "source").c_str(), O_RDONLY | O_CLOEXEC));
        return out;
    }
    // Works until the item is complete, has nothing to do, or fails.
    static Result<AptItem::Step> work_off(AptItem& item) {
        Result<AptItem::Step> step = AptItem::Step::going;
        while (step && *step == AptItem::Step::going && item.has_work()) step = item.work();
        return step;
    }
    std::string written() const {
        std::ifstream file(target_, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    fs::path folder_, target_;
    std::string content_;
    Digest digest_;
};

TEST_F(Items, AskTheAgentWithAllThatAptSaid) {
    const auto get = item({{"Expected-SHA256", digest_.hex()},
                           {"Expected-Checksum-FileSize", "7"},
                           {"Maximum-Size", "9"},
                           {"Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"}})
                         .request(3);
    EXPECT_EQ(get.id, 3u);
    EXPECT_EQ(get.url, "http://a.example/x.deb");
    EXPECT_EQ(get.digest, digest_);
    EXPECT_EQ(get.size, 7);
    EXPECT_EQ(get.max_size, 9);
    EXPECT_EQ(get.since, WallTime(Seconds(784111777)));
}

TEST_F(Items, GrowWithWhatTheAgentHas) {
    auto one = expecting_content();
    write_source(content_.substr(0, 2 * limits::mib));
    ASSERT_TRUE(one.on_start(event(EventKind::start)));
    EXPECT_FALSE(one.has_work());
    EXPECT_TRUE(one.on_progress(event(EventKind::progress, 2 * limits::mib)));
    EXPECT_FALSE(one.on_progress(event(EventKind::progress, 2 * limits::mib))) << "nothing moved";
    ASSERT_TRUE(work_off(one));
    EXPECT_EQ(fs::file_size(target_), static_cast<std::uintmax_t>(2 * limits::mib));
    write_source(content_);
    ASSERT_TRUE(one.on_done(event(EventKind::done)));
    const auto step = work_off(one);
    ASSERT_TRUE(step);
    EXPECT_EQ(*step, AptItem::Step::complete);
    EXPECT_EQ(written(), content_);
    const auto done = one.done_message();
    EXPECT_EQ(done.find("SHA256-Hash"), digest_.hex());
    EXPECT_EQ(done.find("Checksum-FileSize-Hash"), std::to_string(content_.size()));
    EXPECT_EQ(done.find("Last-Modified"), "Sun, 06 Nov 1994 08:49:37 GMT");
    struct stat st {};
    ASSERT_EQ(::stat(target_.c_str(), &st), 0);
    EXPECT_EQ(st.st_mtime, 784111777);
}

TEST_F(Items, CopyOnceMoreWhatWasReplacedMeanwhile) {
    auto one = expecting_content();
    write_source(std::string(content_.size(), 'x'));
    ASSERT_TRUE(one.on_start(event(EventKind::start)));
    one.on_progress(event(EventKind::progress, 3 * limits::mib));
    ASSERT_TRUE(work_off(one));
    write_source(content_);
    ASSERT_TRUE(one.on_done(event(EventKind::done)));
    ASSERT_TRUE(work_off(one));
    EXPECT_EQ(written(), content_);
    EXPECT_EQ(one.done_message().find("SHA256-Hash"), digest_.hex());
}

TEST_F(Items, AreNeverDoneWithWrongBytes) {
    auto one = expecting_content();
    write_source(std::string(content_.size(), 'x'));
    ASSERT_TRUE(one.on_done(event(EventKind::done)));
    const auto step = work_off(one);
    ASSERT_FALSE(step);
    EXPECT_EQ(step.error().kind, ErrorKind::Corrupt);
    one.discard();
    EXPECT_FALSE(fs::exists(target_));
}

TEST_F(Items, NeedTheAgentsDigestWhereAptKnowsNone) {
    write_source(content_);
    auto known = item({});
    ASSERT_TRUE(known.on_done(event(EventKind::done)));
    EXPECT_TRUE(work_off(known));
    auto unknown = item({});
    auto done = event(EventKind::done);
    done.digest.reset();
    ASSERT_TRUE(unknown.on_done(std::move(done)));
    EXPECT_FALSE(work_off(unknown));
}

class HashesOfAbc : public Items {
  protected:
    static constexpr const char* sha512 =
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce8"
        "0e2a9ac94fa54ca49f";
    static constexpr const char* sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    static constexpr const char* md5 = "900150983cd24fb0d6963f7d28e17f72";

    // What apt is told of the file "abc", or nothing when that is refused.
    std::optional<AptMessage> answer(std::initializer_list<std::pair<const char*, std::string>> expected,
                                     const std::string& forced = {}) const {
        write_source("abc");
        AptMessage acquire(600, "URI Acquire");
        acquire.add("URI", "http://a.example/x.deb").add("Filename", target_.string());
        for (const auto& [name, value] : expected) acquire.add(name, value);
        AptItem one(acquire, acquire.text(), forced);
        auto done = event(EventKind::done);
        done.size = 3;
        if (!one.on_done(std::move(done)) || !work_off(one)) return std::nullopt;
        return one.done_message();
    }
};

TEST_F(HashesOfAbc, AreOneStrongOneOfThoseThatAptAskedFor) {
    const auto both = answer({{"Expected-SHA512", sha512}, {"Expected-SHA256", sha256}, {"Expected-MD5Sum", md5}});
    ASSERT_TRUE(both);
    EXPECT_EQ(both->find("SHA256-Hash"), sha256);
    EXPECT_EQ(both->find("SHA512-Hash"), "");
    EXPECT_EQ(both->find("MD5Sum-Hash"), "");
    const auto other = answer({{"Expected-SHA512", sha512}});
    ASSERT_TRUE(other);
    EXPECT_EQ(other->find("SHA512-Hash"), sha512);
}

TEST_F(HashesOfAbc, AreTheOneThatTheOwnerInsistsOnToo) {
    const auto forced = answer({{"Expected-SHA512", sha512}, {"Expected-SHA256", sha256}}, "SHA512");
    ASSERT_TRUE(forced);
    EXPECT_EQ(forced->find("SHA512-Hash"), sha512);
    EXPECT_EQ(forced->find("SHA256-Hash"), sha256);
    EXPECT_FALSE(answer({{"Expected-SHA512", std::string(128, '0')}, {"Expected-SHA256", sha256}}, "sha512"));
}

TEST_F(HashesOfAbc, AreOfTheKindThatIsListedWhereOthersAreMissing) {
    const std::string sha3 = "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532";
    const auto newest = answer({{"Expected-SHA3-256", sha3}});
    ASSERT_TRUE(newest);
    EXPECT_EQ(newest->find("SHA3-256-Hash"), sha3);
    EXPECT_FALSE(answer({{"Expected-SHA3-256", std::string(64, '0')}}));
    const auto weak = answer({{"Expected-MD5Sum", md5}});
    ASSERT_TRUE(weak);
    EXPECT_EQ(weak->find("MD5Sum-Hash"), md5);
}

TEST_F(HashesOfAbc, AreForAptsOwnMethodWhenNoneOfThemIsKnown) {
    const auto why_not = [](std::initializer_list<std::pair<const char*, const char*>> expected) {
        AptMessage acquire(600, "URI Acquire");
        for (const auto& [name, value] : expected) acquire.add(name, value);
        return AptItem::why_not(acquire);
    };
    EXPECT_EQ(why_not({}), "");
    EXPECT_EQ(why_not({{"Expected-Checksum-FileSize", "3"}}), "");
    EXPECT_EQ(why_not({{"Expected-BLAKE9", "00"}, {"Expected-SHA512", "00"}}), "");
    EXPECT_NE(why_not({{"Expected-BLAKE9", "00"}, {"Expected-Checksum-FileSize", "3"}}).find("BLAKE9"),
              std::string::npos);
}

TEST_F(Items, RefuseOtherSizesThanAptAllows) {
    write_source(content_);
    auto exact = item({{"Expected-Checksum-FileSize", "10"}});
    EXPECT_FALSE(exact.on_start(event(EventKind::start)));
    auto bounded = item({{"Maximum-Size", "10"}});
    EXPECT_FALSE(bounded.on_done(event(EventKind::done)));
}

TEST_F(Items, FailWhenTheAgentsFileIsShorterThanItSaid) {
    auto one = expecting_content();
    write_source(content_.substr(0, 100));
    ASSERT_TRUE(one.on_done(event(EventKind::done)));
    EXPECT_FALSE(work_off(one));
}

TEST_F(Items, NeverWriteThroughALink) {
    write_source(content_);
    std::ofstream(folder_ / "precious") << "keep";
    fs::create_symlink(folder_ / "precious", target_);
    auto one = expecting_content();
    ASSERT_TRUE(one.on_done(event(EventKind::done)));
    EXPECT_FALSE(work_off(one));
    one.discard();
    EXPECT_EQ(fs::file_size(folder_ / "precious"), 4u);
}

TEST_F(Items, KeepAnEarlierHalfUntilTheFirstByteOfTheirOwn) {
    std::ofstream(target_) << "half of it";
    auto one = expecting_content();
    write_source(content_);
    ASSERT_TRUE(one.on_start(event(EventKind::start)));
    one.discard();
    EXPECT_EQ(written(), "half of it");
}

TEST_F(Items, LeaveWhatTheyCopiedToAptsOwnMethodWhereAHashWillJudgeTheWhole) {
    write_source(content_.substr(0, 2 * limits::mib));
    const Error gone{ErrorKind::Transient, "gone"};
    auto half = expecting_content();
    ASSERT_TRUE(half.on_start(event(EventKind::start)));
    half.on_progress(event(EventKind::progress, 2 * limits::mib));
    ASSERT_TRUE(work_off(half));
    const auto left = half.leave(gone);
    ASSERT_TRUE(left);
    EXPECT_EQ(left->file, target_.string());
    EXPECT_EQ(left->expected, (AptHashes{{"SHA256", digest_.hex()}}));
    EXPECT_EQ(written(), content_.substr(0, 2 * limits::mib));
    struct stat st {};
    ASSERT_EQ(::stat(target_.c_str(), &st), 0);
    EXPECT_EQ(st.st_mtime, 784111777);

    auto unjudged = item({});
    ASSERT_TRUE(unjudged.on_start(event(EventKind::start)));
    unjudged.on_progress(event(EventKind::progress, 2 * limits::mib));
    ASSERT_TRUE(work_off(unjudged));
    EXPECT_FALSE(unjudged.leave(gone));
    EXPECT_FALSE(fs::exists(target_));
}

TEST_F(Items, LeaveNothingThatWasFoundWrong) {
    write_source(std::string(content_.size(), 'x'));
    auto one = expecting_content();
    ASSERT_TRUE(one.on_done(event(EventKind::done)));
    const auto step = work_off(one);
    ASSERT_FALSE(step);
    EXPECT_FALSE(one.leave(step.error()));
    EXPECT_FALSE(fs::exists(target_));
}

TEST_F(Items, SayThatNothingChangedAsAptsOwnMethodDoes) {
    std::ofstream(target_) << "half of it";
    auto one = item({{"Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"}});
    const auto message = one.unchanged_message();
    EXPECT_EQ(message.code(), 201);
    EXPECT_EQ(message.find("IMS-Hit"), "true");
    EXPECT_EQ(message.find("Last-Modified"), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_FALSE(fs::exists(target_));
}

}  // namespace
}  // namespace packswarm::hooks
