#include "p2p/gateway/sites/site_request.hpp"

#include <gtest/gtest.h>

#include "p2p/base/limits.hpp"
#include "tests/support/formats.hpp"

namespace packswarm::gateway {
namespace {

const Door door{"192.168.1.5", 7878, "packswarm-0123", formats::all()};

std::string request(const std::string& target, const std::string& more = "",
                    const std::string& host = "127.0.0.1:7878") {
    return "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n" + more + "\r\n";
}
SiteRequest accepted(const std::string& bytes) {
    auto request = read_site_request(bytes, door);
    if (!request) throw std::runtime_error(request.error().message);
    if (!*request) throw std::runtime_error("incomplete");
    return **request;
}
int status(const std::string& bytes) {
    auto head = read_site_request(bytes, door);
    return head ? 0 : head.error().status;
}

TEST(Head, ReadsAPacmanPath) {
    const auto asked = accepted(request("/core/os/x86_64/pacman-6.0.2-1-x86_64.pkg.tar.zst"));
    EXPECT_TRUE(asked.target.is_own_path());
    EXPECT_EQ(asked.target.file.repository, "core");
    EXPECT_EQ(asked.target.file.architecture, "x86_64");
    EXPECT_EQ(asked.target.file.path, "pacman-6.0.2-1-x86_64.pkg.tar.zst");
    EXPECT_TRUE(asked.head.wants_body);
    EXPECT_TRUE(asked.head.keep_alive);
    EXPECT_EQ(asked.target.file.signature, "pacman-6.0.2-1-x86_64.pkg.tar.zst.sig");
}

TEST(Head, FoldsEverySpellingOfANameToOne) {
    for (const char* spelling : {"a:1+2~.pkg.tar.zst", "a%3A1%2B2~.pkg.tar.zst", "%61%3a1%2b2%7E.pkg.tar.zst"})
        EXPECT_EQ(accepted(request(std::string("/core/os/x86_64/") + spelling)).target.file.path, "a:1+2~.pkg.tar.zst");
}

TEST(Head, KeepsTheSpellingOfAnAbsoluteAddress) {
    for (const std::string spelled : {"http://deb.example/g%2b%2b", "http://deb.example/g++",
                                      "http://deb.example/flat/./x.deb", "http://deb.example/a%2525"})
        EXPECT_EQ(accepted(request(spelled, "", "deb.example")).target.url, spelled);
}

TEST(Head, ReadsAnAbsoluteAddressAsAProxyWould) {
    const auto asked = accepted(request("http://deb.example:8080/debian/x.deb?q=1", "", "deb.example:8080"));
    EXPECT_FALSE(asked.target.is_own_path());
    EXPECT_EQ(asked.target.url, "http://deb.example:8080/debian/x.deb?q=1");
    EXPECT_EQ(asked.target.file.signature, "");
}

TEST(Head, TakesAnAbsoluteAddressOfItsOwnForAPath) {
    for (const char* own : {"127.0.0.1:7878", "localhost:7878", "192.168.1.5:7878", "[::1]:7878"})
        EXPECT_EQ(accepted(request("http://" + std::string(own) + "/core/os/x86_64/core.db", "", own)).target.file.path,
                  "core.db")
            << own;
    EXPECT_FALSE(accepted(request("http://127.0.0.1:80/core/os/x86_64/core.db", "", "127.0.0.1")).target.is_own_path());
}

TEST(Head, AnswersPathsOnlyWhenAskedByAddress) {
    for (const char* host : {"127.0.0.1", "127.0.0.1:7878", "localhost:7878", "LocalHost", "localhost.:7878",
                             "192.168.1.5:7878", "[::1]:7878", "[::1]", "127.9.9.9"})
        EXPECT_EQ(status(request("/core/os/x86_64/core.db", "", host)), 0) << host;
    for (const char* host : {"evil.example", "127.0.0.1.evil.example", "127.evil", "192.168.1.6"})
        EXPECT_EQ(status(request("/core/os/x86_64/core.db", "", host)), 403) << host;
    EXPECT_EQ(status("GET /core/os/x86_64/core.db HTTP/1.0\r\n\r\n"), 0) << "no browser leaves it out";
}

TEST(Head, RefusesAHostThatIsNoHostAndPort) {
    for (const std::string host : {"",
                                   " ",
                                   "a b",
                                   "127.0.0.1:x",
                                   "127.0.0.1:0",
                                   "127.0.0.1:65536",
                                   "127.0.0.1:7878:7878",
                                   "127.0.0.1:-1",
                                   "evil.example@127.0.0.1",
                                   "u:p@127.0.0.1",
                                   "127.0.0.1/evil",
                                   "127.0.0.1?evil",
                                   "127.0.0.1#",
                                   "127.0.0.1,127.0.0.1",
                                   "127.0.0.1, evil.example",
                                   "127.0.0.1\\",
                                   "127.0.0.1\tevil",
                                   "127.0.0.1\r\n evil.example",
                                   "caf\xc3\xa9.example",
                                   "[::1",
                                   "::1",
                                   "[fe80::1%25lo]",
                                   "http://127.0.0.1",
                                   "%31%32%37.0.0.1"}) {
        EXPECT_EQ(status(request("/core/os/x86_64/core.db", "", host)), 400) << host;
        EXPECT_EQ(status(request("http://deb.example/x", "", host)), 400) << host;
        EXPECT_EQ(status("GET http://deb.example/x HTTP/1.0\r\nHost: " + host + "\r\n\r\n"), 400) << host;
    }
}

TEST(Head, TakesOneHostThatIsTheAddressOfAnAbsoluteTarget) {
    using Pair = std::pair<const char*, const char*>;
    for (const auto& [target, host] :
         {Pair{"http://deb.example/x", "deb.example"}, Pair{"http://deb.example/x", "deb.example:80"},
          Pair{"http://DEB.example/x", "deb.EXAMPLE"}, Pair{"http://deb.example:80/x", "deb.example"},
          Pair{"http://deb.example:8080/x", "deb.example:8080"}, Pair{"http://deb.example:8080/x", "deb.example"},
          Pair{"http://deb.example./x", "deb.example"}, Pair{"http://deb.example./x", "deb.example."},
          Pair{"http://[2001:db8::1]/x", "[2001:db8::1]"}, Pair{"http://[2001:DB8::1]:8080/x", "[2001:db8::1]:8080"},
          Pair{"https://deb.example/x", "deb.example:443"}, Pair{"http://192.0.2.1:3142/x", "192.0.2.1:3142"}})
        EXPECT_EQ(status(request(target, "", host)), 0) << target << " " << host;
    for (const auto& [target, host] :
         {Pair{"http://deb.example/x", "other.example"}, Pair{"http://deb.example/x", "deb.example:8080"},
          Pair{"http://deb.example:8080/x", "deb.example:80"}, Pair{"https://deb.example/x", "deb.example:80"},
          Pair{"http://[2001:db8::1]/x", "[2001:db8::2]"}, Pair{"http://127.0.0.1:7878/x", "localhost:7878"},
          Pair{"http://deb.example/x", "deb.example.."}})
        EXPECT_EQ(status(request(target, "", host)), 400) << target << " " << host;
    EXPECT_EQ(status("GET http://deb.example/x HTTP/1.0\r\n\r\n"), 0);
    EXPECT_EQ(status("GET http://deb.example/x HTTP/1.1\r\n\r\n"), 400);
    EXPECT_EQ(status(request("http://deb.example/x", "Host: deb.example\r\n", "deb.example")), 400);
}

TEST(Head, RefusesABodyHoweverItsLengthIsSpelled) {
    const std::string path = "/core/os/x86_64/a";
    for (const char* name : {"Transfer-Encoding", "transfer-encoding", "TRANSFER-ENCODING"})
        for (const char* coding :
             {"chunked", "xchunked", "identity", "gzip, chunked", "", "\tchunked", "chunked\t", "chunked, chunked",
              "\x0b"
              "chunked",
              "Chunked;x=y"})
            EXPECT_EQ(status(request(path, fmt::format("{}: {}\r\n", name, coding))), 400) << name << coding;
    for (const char* more :
         {"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
          "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", "Content-Length: 0\r\nTransfer-Encoding: x\r\n",
          "Transfer-Encoding : chunked\r\n", "Transfer-Encoding\t: chunked\r\n", "Transfer-Encoding:\r\n chunked\r\n",
          "Content-Length: 5\r\n", "Content-Length: 0\r\nContent-Length: 0\r\n",
          "Content-Length: 0\r\nContent-Length: 5\r\n", "Content-Length: 0, 0\r\n", "Content-Length: -1\r\n",
          "Content-Length: +0\r\n", "Content-Length: 0x0\r\n", "Content-Length:\r\n", "Content-Length: 0 0\r\n",
          "Content-Length: 0;\r\n", "Content-Length: 99999999999999999999999\r\n"})
        EXPECT_EQ(status(request(path, more)), 400) << more;
    EXPECT_EQ(status("GET " + path + " HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
    EXPECT_EQ(status("POST " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
    EXPECT_EQ(status(request(path, "Content-Length: 0\r\n")), 0);
    EXPECT_EQ(status(request("http://deb.example/x", "Transfer-Encoding: xchunked\r\n", "deb.example")), 400);
}

TEST(Head, RefusesPathsOfAnyOtherShape) {
    for (const char* path :
         {"/", "/core", "/core/os/x86_64", "/core/os/x86_64/", "/core/os/x86_64/a/b", "/core/xx/x86_64/a",
          "//os/x86_64/a", "/core/os/x86_64/a%2Fb", "/core/os/x86_64/a%20b", "/core/os/x86_64/a%23b"})
        EXPECT_EQ(status(request(path)), 404) << path;
    for (const char* path :
         {"/core/os/x86_64/..", "/core/os/x86_64/%2e%2e", "/core/os/x86_64/a%00b", "/core/os/x86_64/a%0d%0ab",
          "/core/os/x86_64/a%zz", "*", "core/os/x86_64/a", "ftp://m.example/x", "http://", "http:///x"})
        EXPECT_EQ(status(request(path)), 400) << path;
}

TEST(Head, RefusesWhatAPackageManagerDoesNotSend) {
    EXPECT_EQ(status("CONNECT deb.example:443 HTTP/1.1\r\nHost: deb.example:443\r\n\r\n"), 405);
    EXPECT_EQ(status("POST /core/os/x86_64/a HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n"), 405);
    EXPECT_EQ(status(request("/core/os/x86_64/a", "Host: 127.0.0.1\r\n")), 400);
    EXPECT_EQ(status("GET /core/os/x86_64/a HTTP/1.1\r\n\r\n"), 400);
    EXPECT_EQ(status("\x16\x03\x01 nonsense\r\n\r\n"), 400);
    EXPECT_EQ(status("GET  /core/os/x86_64/a HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"), 400);
    EXPECT_EQ(status("GET /core/os/x86_64/a HTTP/3.7\r\nHost: 127.0.0.1\r\n\r\n"), 400);
    EXPECT_EQ(status(request("/core/os/x86_64/a", "Authorization: Basic eA==\r\n")), 403);
    EXPECT_EQ(status(request("http://u:p@deb.example/x", "", "deb.example")), 403);
    EXPECT_EQ(status(request("/core/os/x86_64/a", "Origin: http://evil.example\r\n")), 403);
    EXPECT_EQ(status(request("/core/os/x86_64/a", "Sec-Fetch-Site: cross-site\r\n")), 403);
}

TEST(Head, FindsItsOwnNameInVia) {
    EXPECT_EQ(status(request("/core/os/x86_64/a", "Via: 1.1 other, 1.1 packswarm-0123\r\n")), 508);
    EXPECT_EQ(status(request("/core/os/x86_64/a", "Via: 1.1 other\r\nVia: 1.1 packswarm-0123\r\n")), 508);
    EXPECT_EQ(status(request("/core/os/x86_64/a", "Via: 1.1 packswarm-4567\r\n")), 0);
}

TEST(Head, WaitsForTheEndAndTakesOnlyItsOwnBytes) {
    const auto first = request("/core/os/x86_64/one"), second = request("/core/os/x86_64/two");
    for (std::size_t size = 0; size < first.size(); ++size) {
        auto head = read_site_request(first.substr(0, size), door);
        ASSERT_TRUE(head);
        EXPECT_FALSE(*head);
    }
    EXPECT_EQ(accepted(first + second).head.length, first.size());
    EXPECT_EQ(accepted((first + second).substr(first.size())).target.file.path, "two");
}

TEST(Head, BoundsItsLength) {
    EXPECT_EQ(status(request("/core/os/x86_64/a", "X: " + std::string(limits::max_http_head, 'x') + "\r\n")), 431);
    EXPECT_EQ(status("GET /" + std::string(limits::max_http_head, 'x')), 431);
    EXPECT_EQ(status(request("http://deb.example/" + std::string(limits::max_url, 'x'), "", "deb.example")), 400);
}

TEST(Head, KnowsWhetherTheConnectionGoesOn) {
    EXPECT_FALSE(accepted(request("/core/os/x86_64/a", "Connection: close\r\n")).head.keep_alive);
    EXPECT_FALSE(accepted("GET /core/os/x86_64/a HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n").head.keep_alive);
    EXPECT_TRUE(accepted("GET /core/os/x86_64/a HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n\r\n")
                    .head.keep_alive);
}

TEST(Head, ReadsConditions) {
    const auto head = accepted(request("/core/os/x86_64/a",
                                       "Range: bytes=5-\r\nIf-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                                       "If-Modified-Since: Sun, 06 Nov 1994 08:49:38 GMT\r\n"))
                          .head;
    EXPECT_EQ(head.range->first, 5);
    EXPECT_TRUE(head.takes_part_of(WallTime(Seconds(784111777))));
    EXPECT_FALSE(head.takes_part_of(WallTime(Seconds(784111778))));
    EXPECT_FALSE(head.takes_part_of(std::nullopt));
    EXPECT_EQ(head.if_modified_since, WallTime(Seconds(784111778)));
    const auto tagged = accepted(request("/core/os/x86_64/a", "Range: bytes=5-\r\nIf-Range: \"tag\"\r\n")).head;
    EXPECT_EQ(tagged.if_range, "\"tag\"");
    EXPECT_FALSE(tagged.takes_part_of(WallTime(Seconds(784111777))));
    EXPECT_FALSE(
        accepted(request("/core/os/x86_64/a", "Range: bytes=5-\r\nIf-Range: " + std::string(300, 'x') + "\r\n"))
            .head.range);
}

TEST(Head, KeepsWhatCachesAreTold) {
    EXPECT_EQ(accepted(request("/core/os/x86_64/a", "Cache-Control: no-cache\r\n")).head.cache_control, "no-cache");
    EXPECT_EQ(
        accepted(request("/core/os/x86_64/a", "Cache-Control: " + std::string(300, 'x') + "\r\n")).head.cache_control,
        "");
    EXPECT_EQ(accepted(request("/core/os/x86_64/a", "")).head.cache_control, "");
}

TEST(Head, KeepsTheNameThatTheAskersOwnerChose) {
    const auto name = [](const std::string& text) {
        return accepted(request("/core/os/x86_64/a", "User-Agent: " + text + "\r\n")).chosen_name;
    };
    EXPECT_EQ(name("corp-updater/1.0"), "corp-updater/1.0");
    EXPECT_EQ(name("Debian APT-HTTP/1.3 (2.6.1) non-interactive"), "")
        << "apt's usual one says nothing of the owner's wish";
    EXPECT_EQ(name("pacman/6.0.2 (Linux x86_64) libalpm/13.0.2"), "");
    EXPECT_EQ(name("packswarm/0.1.0"), "");
    EXPECT_EQ(name("caf\xc3\xa9/1.0"), "");
    EXPECT_EQ(name(std::string(300, 'x')), "");
}

TEST(Range, ReadsOneRangeAndIgnoresTheRest) {
    const auto laid = [](std::string_view text, ByteCount size) {
        const auto wish = parse_range(text);
        return wish ? lay_on(*wish, size) : std::optional(ByteRange{-1, -1});
    };
    EXPECT_EQ(laid("bytes=0-0", 10), (ByteRange{0, 1}));
    EXPECT_EQ(laid("bytes=3-5", 10), (ByteRange{3, 6}));
    EXPECT_EQ(laid("bytes=3-500", 10), (ByteRange{3, 10}));
    EXPECT_EQ(laid("bytes=3-", 10), (ByteRange{3, 10}));
    EXPECT_EQ(laid("bytes=-3", 10), (ByteRange{7, 10}));
    EXPECT_EQ(laid("bytes=-30", 10), (ByteRange{0, 10}));
    EXPECT_EQ(laid("bytes=10-", 10), std::nullopt);
    EXPECT_EQ(laid("bytes=-0", 10), std::nullopt);
    EXPECT_EQ(laid("bytes=-5", 0), std::nullopt);
    EXPECT_EQ(laid("bytes=9223372036854775807-9223372036854775807", 10), std::nullopt);
    EXPECT_EQ(laid("bytes=0-9223372036854775807", 10), (ByteRange{0, 10}));
    for (const char* ignored : {"", "bytes=", "bytes=-", "bytes=5-3", "bytes=0-1,3-4", "bytes=a-b", "items=0-1",
                                "bytes=1-2x", "bytes=99999999999999999999-", "bytes=--5", "bytes=+5-"})
        EXPECT_EQ(laid(ignored, 10), (ByteRange{-1, -1})) << ignored;
}

TEST(Reply, SaysWhatAndWhyInOneLine) {
    const auto reply =
        problem_reply(problem_of({ErrorKind::Absent, "no mirror\r\nSet-Cookie: x"}), Body::sent, true, WallTime());
    EXPECT_EQ(reply.substr(0, 24), "HTTP/1.1 404 Not Found\r\n");
    EXPECT_NE(reply.find("\r\n\r\npackswarm: absent: no mirror\\x0d\\x0aSet-Cookie: x\n"), std::string::npos) << reply;
    const auto head =
        problem_reply(problem_of({ErrorKind::Absent, "no mirror\r\nSet-Cookie: x"}), Body::left_out, true, WallTime());
    EXPECT_EQ(head, reply.substr(0, head.size()));
    EXPECT_EQ(head.substr(head.size() - 4), "\r\n\r\n");
}

TEST(Reply, SaysHowLongABusyServerWantsToBeLeftAlone) {
    const auto reply = [](std::optional<Seconds> wait) {
        return problem_reply(problem_of({ErrorKind::Transient, "busy", wait}), Body::sent, true, WallTime());
    };
    EXPECT_NE(reply(Seconds(17)).find("\r\nRetry-After: 17\r\n"), std::string::npos);
    for (const auto none : {std::optional<Seconds>(), std::optional(Seconds(0))})
        EXPECT_EQ(reply(none).find("Retry-After"), std::string::npos);
}

}  // namespace
}  // namespace packswarm::gateway
