#include "p2p/cli/answers.hpp"

#include <gtest/gtest.h>

#include "p2p/cli/give.hpp"
#include "p2p/cli/progress_bar.hpp"
#include "p2p/cli/text_table.hpp"

namespace packswarm::cli {
namespace {

TEST(TextTable, AlignsItsColumns) {
    TextTable table{"NAME", ">SIZE", "NOTE"};
    table.add({"a", "10", ""});
    table.add({"longer", "2", "x"});
    EXPECT_EQ(table.text(), "NAME    SIZE  NOTE\na         10\nlonger     2  x\n");
}

TEST(Numbers, ReadAsPeopleWriteThem) {
    EXPECT_EQ(show_bytes(0), "0 B");
    EXPECT_EQ(show_bytes(1023), "1023 B");
    EXPECT_EQ(show_bytes(1536), "1.5 KiB");
    EXPECT_EQ(show_bytes(ByteCount{250} << 20), "250 MiB");
    EXPECT_EQ(show_rate(-1), "0 B/s");
    EXPECT_EQ(show_seconds(0.42), "0.42 s");
    EXPECT_EQ(show_seconds(185), "3 min 5 s");
    EXPECT_EQ(show_seconds(7260), "2 h 1 min");
    EXPECT_EQ(show_seconds(356400), "4 d 3 h");
    EXPECT_EQ(show_time(784111777), "1994-11-06 08:49 UTC");
}

TEST(Answers, ShowTheStatus) {
    const auto text =
        show_answer("status", R"({"version":"0.1.0","pid":7,"uptime_s":61,"requests":{"open":1,"done":2,"failed":0},
        "bytes":{"mirror":1048576,"peer":2097152,"cache":0,"wasted":0,"sent":10},
        "store":{"path":"/var/lib/packswarm","files":3,"bytes":4096,"quota":1073741824,"free":1073741824},
        "gateway":"127.0.0.1:7878","swarm":null,"sharing":{"state":"paused","reason":"metered link","offered":3,"rate":0,"cap":1048576},
        "peers":2,"mirrors":{"usable":1,"total":2},
        "repositories":[{"id":"debian:bookworm:amd64:1f","state":"verified","date":784111777,"entries":63440,"sharing":"allowed","bases":["http://a","http://b"]}],
        "discovery":{"lan":true,"dht":true,"swarms":[{"lineage":"debian/F/bookworm/amd64","shard":"01","infohash":"ab","peers":7,"seen":2345,
                                                      "announces":{"dht":31,"tracker":32,"lan":33}}]},
        "transfers":[]})");
    for (const auto* part :
         {"up 1 min 1 s", "1.0 MiB from mirrors, 2.0 MiB from peers", "paused (metered link), 3 files offered",
          "at most 1.0 MiB/s", "127.0.0.1:7878 for package managers, nowhere for peers", "1 of 2 mirrors usable",
          "debian:bookworm:amd64:1f", "1994-11-06", "63440", "debian/F/bookworm/amd64", "2345", "31", "32", "33"})
        EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
}

TEST(Answers, ShowEachLimitWithItsValueAndReason) {
    const auto text = show_answer("status", R"({"bytes":{"sent":5368709120},
        "sharing":{"state":"paused","audience":"nobody","reason":"wwan0 is in sharing.not_on_interfaces","offered":0,"rate":0,
                   "month":{"sent":3221225472,"neighbours":1073741824,"quota":53687091200}},
        "limits":[{"name":"swarm.upload_limit","unit":"bytes/s","now":1536,"most":1048576,"state":"ok","why":"neighbours are exempt"},
                  {"name":"sharing.monthly_quota","unit":"bytes","now":3221225472,"most":53687091200,"state":"ok","why":"this month"},
                  {"name":"store.reserve","unit":"bytes","now":1024,"least":2048,"state":"reached","why":"stays free"},
                  {"name":"sharing.not_on_interfaces","list":["wwan0","ppp*"],"state":"reached","why":"the default route leads through wwan0"},
                  {"name":"sharing.not_on_networks","list":[],"state":"ok","why":"no address"}]})");
    for (const auto* part : {"5.0 GiB; this month 3.0 GiB of 50.0 GiB, and 1.0 GiB to neighbours",
                             "paused (wwan0 is in sharing.not_on_interfaces)", "1.5 KiB/s of 1.0 MiB/s",
                             "1.0 KiB, at least 2.0 KiB", "wwan0 ppp*", "none"})
        EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
}

TEST(Answers, ExplainWhoGaveWhatAndWhy) {
    const auto text = show_answer(
        "explain",
        R"({"query":"hello","entries":[{"name":"hello","version":"2.10-3","architecture":"amd64","path":"pool/h/hello.deb",
        "repository":"r","size":53000,"sha256":"ab","stored":true,"offered":true}],
        "transfers":[{"name":"pool/h/hello.deb","asker":"apt","size":53000,"started":784111777,"seconds":0.4,"outcome":"ok",
        "sources":[{"kind":"peer","source":"192.0.2.7:1","bytes":53000,"wasted":100}],"reasons":["12 ms: a peer has it"]}]})");
    for (const auto* part : {"hello 2.10-3 amd64", "stored, offered to peers",
                             "peer   192.0.2.7:1, 100 B of it thrown away", "- 12 ms: a peer has it"})
        EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
    EXPECT_NE(show_answer("explain", R"({"query":"x","entries":[],"transfers":[]})")
                  .find("no index that the agent has verified lists x"),
              std::string::npos);
}

TEST(Answers, SayWhatIsFetchedAheadAndWhatStandsAgainstIt) {
    const auto text = show_answer("prefetch-on",
                                  R"({"state":"on","doing":"waiting","limit":{"name":"prefetch.on_battery","why":"the )"
                                  R"(machine runs on battery"},"wanted":{"packages":12,"bytes":2000000},"here":)"
                                  R"({"packages":3,"bytes":1000},"month":5000,"next":null,"refreshed":null})");
    EXPECT_NE(text.find("on: waiting"), std::string::npos) << text;
    EXPECT_NE(text.find("prefetch.on_battery: the machine runs on battery"), std::string::npos) << text;
    EXPECT_NE(text.find("12 packages"), std::string::npos) << text;
    EXPECT_EQ(text.find("next"), std::string::npos) << text;
    EXPECT_NE(show_answer("prefetch", "{}").find("-"), std::string::npos);
}

TEST(Answers, SurviveWhateverIsMissingOrOfAnotherKind) {
    for (const auto* op : {"status", "explain", "mirrors", "peers", "refresh", "doctor"})
        for (const auto* json :
             {"{}", "[]", "null", "nonsense",
              R"({"repositories":7,"peers":"x","mirrors":[1,null,{"rate":"fast"}],"checks":[{}],"transfers":[[]],
                                 "entries":[{"size":-1}],"discovery":[1],"sharing":[],"store":null})"})
            EXPECT_NE(show_answer(op, json), "") << op << json;
}

TEST(Answers, CannotSteerTheTerminal) {
    const auto text = show_answer("peers", "{\"peers\":[{\"endpoint\":\"1.2.3.4:5\",\"agent\":\"\\u001b[2J\\n\"}]}");
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_NE(text.find("\\x1b[2J\\x0a"), std::string::npos);
}

TEST(Doctor, CountsAndShowsRemediesOfWhatIsWrong) {
    const auto all =
        with_checks(R"({"checks":[{"name":"store","state":"ok","message":"fine","remedy":"unneeded"}]})",
                    {{"agent", "fail", "away", "start it"}, {"apt", "warn", "not set up", "packswarm setup apt"}});
    EXPECT_EQ(count_checks(all).failures, 1);
    EXPECT_EQ(count_checks(all).warnings, 1);
    EXPECT_EQ(
        show_answer("doctor", all),
        "fail  agent  away\nwarn  apt    not set up\nok    store  fine\nagent: start it\napt: packswarm setup apt\n");
}

TEST(Ages, HaveOneUnit) {
    EXPECT_EQ(parse_age("90s"), Seconds(90));
    EXPECT_EQ(parse_age("24h"), Seconds(86400));
    for (const auto* text : {"", "5", "h", "5w", "-5h", "5hh"}) EXPECT_FALSE(parse_age(text)) << text;
}

TEST(Jobs, AreOnePerLine) {
    const auto jobs = parse_jobs("# comment\nhttp://a/x /tmp/x y\r\n\nhttp://b/z\t/tmp/z\n");
    ASSERT_TRUE(jobs);
    ASSERT_EQ(jobs->size(), 2u);
    EXPECT_EQ((*jobs)[0].out, "/tmp/x y");
    EXPECT_EQ((*jobs)[1].url, "http://b/z");
    EXPECT_FALSE(parse_jobs("http://a/x\n"));
    EXPECT_FALSE(parse_jobs(" http://a/x y\n"));
}

TEST(ProgressLine, FitsTheTerminal) {
    const FetchProgress progress{3, 1, 50, 100, std::string(80, 'x')};
    const auto line = progress_line(progress, 1, 200);
    EXPECT_NE(line.find("1/3  [############------------]  50%"), std::string::npos) << line;
    EXPECT_EQ(progress_line(progress, 1, 40).size(), 40u);
}

}  // namespace
}  // namespace packswarm::cli
