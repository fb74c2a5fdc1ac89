#include "p2p/web/plain_download.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/component/web/probe.hpp"
#include "tests/support/nginx.hpp"
#include "tests/support/rude_server.hpp"

namespace packswarm::test {
namespace {

using web::download;

class DownloadTest : public ::testing::Test {
  protected:
    std::filesystem::path out() const { return dir_.path() / "core.db.part"; }
    std::string content() const {
        std::ifstream in(out(), std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    void write(std::string_view text) const { std::ofstream(out(), std::ios::binary) << text; }
    WallTime modified() const {
        struct stat info {};
        ::stat(out().c_str(), &info);
        return WallTime(Seconds(info.st_mtime));
    }
    TempDir dir_;
};

TEST_F(DownloadTest, WritesTheFileWithTheServersDateAndReportsProgress) {
    Nginx nginx;
    const auto text = numbered(5'000'000);
    nginx.put("core.db", text);
    std::filesystem::last_write_time(nginx.root() / "core.db",
                                     std::filesystem::file_time_type::clock::now() - std::chrono::hours(50));
    web::DownloadOptions options;
    ByteCount last = 0;
    options.progress = [&](ByteCount done, std::optional<ByteCount> total) {
        EXPECT_GE(done, last);
        EXPECT_EQ(total, 5'000'000);
        last = done;
    };
    const auto got = download(nginx.url("core.db"), out(), options);
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(got->size, 5'000'000);
    EXPECT_EQ(last, 5'000'000);
    EXPECT_TRUE(content() == text);
    EXPECT_EQ(got->last_modified, modified());
    EXPECT_LT(modified(), std::chrono::floor<Seconds>(std::chrono::system_clock::now()) - std::chrono::hours(49));
}

TEST_F(DownloadTest, ReplacesALongerFile) {
    Nginx nginx;
    nginx.put("a", "short");
    write("something much longer");
    ASSERT_TRUE(download(nginx.url("a"), out()));
    EXPECT_EQ(content(), "short");
}

TEST_F(DownloadTest, LeavesTheFileAloneWhenItHasNotChanged) {
    Nginx nginx;
    nginx.put("a", "content");
    const auto first = download(nginx.url("a"), out());
    ASSERT_TRUE(first);
    write("mine");
    web::DownloadOptions options;
    options.if_modified_since = first->last_modified;
    const auto again = download(nginx.url("a"), out(), options);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_TRUE(again->not_modified);
    EXPECT_EQ(content(), "mine");
}

TEST_F(DownloadTest, LeavesTheFileAloneWhenTheServerHasNone) {
    Nginx nginx;
    write("mine");
    const auto got = download(nginx.url("missing"), out());
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, ErrorKind::Absent);
    EXPECT_EQ(content(), "mine");
    std::filesystem::remove(out());
    EXPECT_FALSE(download(nginx.url("missing"), out()));
    EXPECT_FALSE(std::filesystem::exists(out()));
}

// Breaks off after half on the first request, then behaves.
RudeServer::Script breaks_off_once(const std::string& text, std::atomic<int>& requests) {
    return [&text, &requests](RudeTalk& talk) {
        const std::string date = "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
        const auto size = std::to_string(text.size());
        if (++requests == 1) {
            talk.send("HTTP/1.1 200 OK\r\nContent-Length: " + size + "\r\n" + date + "\r\n" +
                      text.substr(0, text.size() / 2));
            talk.close();
        } else if (const auto range = talk.header("Range");
                   !range.empty() && talk.header("If-Range") == "Sun, 06 Nov 1994 08:49:37 GMT") {
            const auto begin = std::stoul(range.substr(6));
            talk.answer("206 Partial Content",
                        date + "Content-Range: bytes " + std::to_string(begin) + "-" + std::to_string(text.size() - 1) +
                            "/" + size + "\r\n",
                        text.substr(begin));
        } else {
            talk.answer("200 OK", date, text);
        }
    };
}

TEST_F(DownloadTest, GoesOnWhereABrokenDownloadEnded) {
    const auto text = numbered(1'000'000);
    std::atomic<int> requests{0};
    RudeServer server(breaks_off_once(text, requests));
    const auto broken = download(server.url("a.pkg.tar.zst"), out());
    ASSERT_FALSE(broken);
    EXPECT_EQ(broken.error().kind, ErrorKind::Transient);
    EXPECT_EQ(content(), text.substr(0, 500'000));
    web::DownloadOptions options;
    options.resume = web::Resume::when_possible;
    const auto got = download(server.url("a.pkg.tar.zst"), out(), options);
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(got->size, 1'000'000);
    EXPECT_TRUE(content() == text);
    EXPECT_EQ(server.heads().back().find("\r\nRange: bytes=500000-\r\n") == std::string::npos, false)
        << server.heads().back();
}

TEST_F(DownloadTest, StartsAgainWhenTheOldBytesAreOfAnotherFile) {
    Nginx nginx;
    nginx.put("a", "0123456789");
    web::DownloadOptions options;
    options.resume = web::Resume::when_possible;
    write("old");  // its date is not the server's: If-Range fails
    std::filesystem::last_write_time(out(), std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
    ASSERT_TRUE(download(nginx.url("a"), out(), options));
    EXPECT_EQ(content(), "0123456789");
}

TEST_F(DownloadTest, StartsAgainWhenTheServerHasNothingBehindTheOldBytes) {
    RudeServer server([](RudeTalk& talk) {
        if (talk.header("Range").empty())
            talk.answer("200 OK", "", "fresh");
        else
            talk.answer("416 Range Not Satisfiable", "Content-Range: bytes */5\r\n", "");
    });
    write("far too long");
    web::DownloadOptions options;
    options.resume = web::Resume::when_possible;
    ASSERT_TRUE(download(server.url("a"), out(), options));
    EXPECT_EQ(content(), "fresh");
}

TEST_F(DownloadTest, StartsAgainWhenTheServerSendsAPartThatCannotBePlaced) {
    RudeServer server([](RudeTalk& talk) {
        if (talk.header("Range").empty())
            talk.answer("200 OK", "", "0123456789");
        else
            talk.answer("206 Partial Content", "Content-Range: 4-9/10\r\n", "456789");
    });
    write("0123");
    web::DownloadOptions options;
    options.resume = web::Resume::when_possible;
    const auto got = download(server.url("a"), out(), options);
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(content(), "0123456789");
}

TEST_F(DownloadTest, TakesWhateverTheServerCallsIt) {
    RudeServer page([](RudeTalk& talk) { talk.answer("200 OK", "Content-Type: text/html\r\n", "a package"); });
    const auto got = download(page.url("a.pkg.tar.zst"), out());
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(content(), "a package");
}

TEST_F(DownloadTest, TakesWhatCurlWouldTakeWhereOurRulesAreStricter) {
    RudeServer created([](RudeTalk& talk) {
        talk.answer("201 Created", "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n", "made just now");
    });
    const auto odd = download(created.url("a"), out());
    ASSERT_TRUE(odd) << odd.error().message;
    EXPECT_EQ(content(), "made just now");
    EXPECT_EQ(modified(), WallTime(Seconds(784111777)));
    RudeServer blank([](RudeTalk& talk) {
        if (talk.path() == "/a")
            talk.answer("302 Found", "Location: /a b\r\n", "");
        else
            talk.answer("200 OK", "", "behind " + talk.path());
    });
    ASSERT_TRUE(download(blank.url("a"), out()));
    EXPECT_EQ(content(), "behind /a%20b");
    std::ofstream(dir_.path() / "local") << "from the disk";
    const auto local = download("file://" + (dir_.path() / "local").string(), out());
    ASSERT_TRUE(local) << local.error().message;
    EXPECT_EQ(content(), "from the disk");
    write("still here");
    EXPECT_EQ(download("file://" + (dir_.path() / "nowhere").string(), out()).error().kind, ErrorKind::Absent);
    EXPECT_EQ(content(), "still here");
}

TEST_F(DownloadTest, FollowsRedirectsAsPacmanWould) {
    Nginx plain, secure({.tls = true, .server_lines = "location = /down { return 302 " + plain.url("a") + "; }"});
    plain.put("a", "content");
    Nginx first({.server_lines = "location = /a { return 302 " + plain.url("a") + "; }"});
    EXPECT_TRUE(download(first.url("a"), out()));
    EXPECT_EQ(content(), "content");
    web::DownloadOptions options;
    options.http.ca_file = secure.ca_file();
    write("");
    const auto lowered = download(secure.tls_url("down"), out(), options);
    ASSERT_TRUE(lowered) << lowered.error().message;
    EXPECT_EQ(content(), "content");
    options.http.ca_file.clear();
    EXPECT_EQ(download(secure.tls_url("a"), out(), options).error().kind, ErrorKind::Refused);
}

TEST_F(DownloadTest, EndsWhatStallsAndWhatDoesNotEnd) {
    web::DownloadOptions options;
    options.stall_timeout = Seconds(1);
    options.max_bytes = 100'000;
    RudeServer silent([](RudeTalk& talk) { talk.stall(); });
    EXPECT_EQ(download(silent.url("a"), out(), options).error().kind, ErrorKind::Transient);
    RudeServer endless([](RudeTalk& talk) {
        talk.send("HTTP/1.1 200 OK\r\n\r\n");
        talk.endless(std::string(10'000, 'x'));
    });
    EXPECT_EQ(download(endless.url("a"), out(), options).error().kind, ErrorKind::Refused);
    EXPECT_LE(std::filesystem::file_size(out()), 100'000u);
    RudeServer looping([](RudeTalk& talk) { talk.answer("302 Found", "Location: /a\r\n", ""); });
    EXPECT_EQ(download(looping.url("a"), out(), options).error().kind, ErrorKind::Refused);
}

TEST_F(DownloadTest, ReportsADiskThatCannotBeWritten) {
    Nginx nginx;
    nginx.put("a", "content");
    const auto got = download(nginx.url("a"), dir_.path() / "missing" / "a");
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, ErrorKind::Broken);
    const auto full = download(nginx.url("a"), "/dev/full");
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().kind, ErrorKind::Broken);
}

}  // namespace
}  // namespace packswarm::test
