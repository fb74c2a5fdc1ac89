#include "p2p/control/protocol.hpp"

#include <gtest/gtest.h>

#include "p2p/base/limits.hpp"

namespace packswarm::control {
namespace {

std::string bare(std::string line) {
    EXPECT_EQ(line.back(), '\n');
    line.pop_back();
    EXPECT_EQ(line.find('\n'), std::string::npos);
    return line;
}

template <class T>
T parsed(const std::string& line) {
    auto command = parse_command(line);
    if (!command) throw std::runtime_error(command.error().message);
    return std::get<T>(*command);
}

ErrorKind refusal(const std::string& line) {
    auto command = parse_command(line);
    EXPECT_FALSE(command) << line;
    return command ? ErrorKind::Broken : command.error().kind;
}

TEST(Protocol, KeepsEveryFieldOfAGet) {
    Get get;
    get.id = 7;
    get.url = "http://mirror.example/a%2Bb \"quoted\" \xc3\xa4";
    get.digest = Digest::parse(std::string(64, 'a'));
    get.size = 5'000'000'000;
    get.max_size = 6'000'000'000;
    get.since = WallTime(Seconds(1'700'000'000));
    const auto out = parsed<Get>(bare(to_line(Command(get))));
    EXPECT_EQ(out.id, 7u);
    EXPECT_EQ(out.url, get.url);
    EXPECT_EQ(out.digest, get.digest);
    EXPECT_EQ(out.size, get.size);
    EXPECT_EQ(out.max_size, get.max_size);
    EXPECT_EQ(out.since, get.since);
}

TEST(Protocol, LeavesOutWhatAGetDoesNotSay) {
    const auto out = parsed<Get>(R"({"op":"get","id":1,"url":"http://m/x"})");
    EXPECT_FALSE(out.digest);
    EXPECT_FALSE(out.size);
    EXPECT_FALSE(out.since);
    EXPECT_EQ(out.max_size, 0);
}

TEST(Protocol, AGetOfWhatIsStoredNamesADigestAndNoAddress) {
    Get get;
    get.id = 7;
    get.digest = Digest::parse(std::string(64, 'a'));
    get.stored = true;
    const auto line = bare(to_line(Command(get)));
    EXPECT_EQ(line.find("url"), std::string::npos);
    const auto out = parsed<Get>(line);
    EXPECT_TRUE(out.stored);
    EXPECT_EQ(out.digest, get.digest);
    EXPECT_EQ(refusal(R"({"op":"get","id":1,"stored":true})"), ErrorKind::Refused);
    EXPECT_FALSE(parsed<Get>(R"({"op":"get","id":1,"url":"http://m/x"})").stored);
}

TEST(Protocol, PutsAQuerysArgumentsBesideItsOperation) {
    const Arguments args{.package = "hello",
                         .limit = 20,
                         .path = "/srv/hello.deb",
                         .digest = Digest{},
                         .manifest = "packswarm-bundle 1\n"};
    const std::string line = bare(to_line(Command(Query{3, "explain", args})));
    const auto out = parsed<Query>(line);
    EXPECT_EQ(out.op, "explain");
    EXPECT_EQ(out.id, 3u);
    EXPECT_EQ(out.args, args);
    EXPECT_FALSE(out.with_file);
    EXPECT_EQ(parsed<Query>(R"({"op":"status","id":1})").args, Arguments{});
}

TEST(Protocol, RefusesArgumentsOfAnotherType) {
    for (const char* wrong :
         {R"("package":5)", R"("package":null)", R"("package":["x"])", R"("package":{})", R"("package":true)",
          R"("limit":"x")", R"("limit":-1)", R"("limit":1.5)", R"("limit":18446744073709551615)", R"("path":7)",
          R"("sha256":[])", R"("sha256":"00")", R"("manifest":1)", R"("fd":1)"})
        for (const char* op : {"status", "explain", "mirrors", "peers", "doctor", "share", "import", "refresh",
                               "bundle", "stored", "import_root"})
            EXPECT_EQ(refusal(fmt::format(R"({{"op":"{}","id":1,{}}})", op, wrong)), ErrorKind::Refused)
                << op << " " << wrong;
    EXPECT_EQ(refusal(R"({"op":"explain","id":1,"package":")" + std::string(5'000, 'a') + "\"}"), ErrorKind::Refused);
}

TEST(Protocol, RefusesWhatIsNoCommand) {
    const std::string deep =
        R"({"op":"status","id":1,"x":)" + std::string(200'000, '[') + std::string(200'000, ']') + "}";
    const std::vector<std::string> lines{
        "",
        "x",
        "[]",
        "null",
        "{}",
        R"({"op":1})",
        R"({"op":"format"})",
        R"({"op":"get","id":1})",
        R"({"op":"get","url":"http://m/x"})",
        R"({"op":"get","id":0,"url":"http://m/x"})",
        R"({"op":"get","id":-1,"url":"http://m/x"})",
        R"({"op":"get","id":"1","url":"http://m/x"})",
        R"({"op":"get","id":1.5,"url":"http://m/x"})",
        R"({"op":"get","id":1,"url":"http://m/x","size":-1})",
        R"({"op":"get","id":1,"url":"http://m/x","size":99999999999999999999})",
        R"({"op":"get","id":1,"url":"http://m/x","size":18446744073709551615})",
        R"({"op":"get","id":1,"url":"http://m/x","sha256":"abc"})",
        R"({"op":"get","id":1,"url":"http://m/x","since":"today"})",
        R"({"op":"cancel"})",
        R"({"op":"status"})",
        R"({"op":"share","id":1,"fd":"yes"})",
        "{\"op\":\"get\",\"id\":1,\"url\":\"\xff\"}",
        deep,
        R"({"op":"get","id":1,"url":")" + std::string(limits::max_url + 1, 'a') + "\"}",
        R"({"op":"status","id":1,"x":")" + std::string(limits::max_control_line, 'a') + "\"}"};
    for (const auto& line : lines) EXPECT_EQ(refusal(line), ErrorKind::Refused) << line.substr(0, 80);
}

TEST(Protocol, KnowsWhatOnlyTheOwnerMayDo) {
    for (const char* op : {"share", "import", "refresh", "prefetch-now", "prefetch-on", "prefetch-off"})
        EXPECT_TRUE(is_for_owner(op)) << op;
    for (const char* op : {"status", "explain", "mirrors", "peers", "doctor", "prefetch"})
        EXPECT_TRUE(is_query(op) && !is_for_owner(op)) << op;
    EXPECT_FALSE(is_query("get"));
}

TEST(Protocol, KeepsEveryFieldOfADone) {
    Event event;
    event.kind = EventKind::done;
    event.id = 4;
    event.size = 123;
    event.modified = WallTime(Seconds(1'600'000'000));
    event.digest = Digest::parse(std::string(64, 'b'));
    event.sources = {{"mirror", "http://m", 100}, {"peer", "192.0.2.7:6881", 23}};
    event.with_file = true;
    auto out = parse_event(bare(to_line(event)));
    ASSERT_TRUE(out);
    EXPECT_EQ(out->kind, EventKind::done);
    EXPECT_EQ(out->id, 4u);
    EXPECT_EQ(out->size, 123);
    EXPECT_EQ(out->modified, event.modified);
    EXPECT_EQ(out->digest, event.digest);
    ASSERT_EQ(out->sources.size(), 2u);
    EXPECT_EQ(out->sources[1].kind, "peer");
    EXPECT_EQ(out->sources[1].source, "192.0.2.7:6881");
    EXPECT_EQ(out->sources[1].bytes, 23);
    EXPECT_TRUE(out->with_file);
}

TEST(Protocol, CarriesAFailuresKindAndOneSafeLine) {
    Event event;
    event.id = 9;
    event.error = {ErrorKind::Absent, "no mirror\n201 URI Done\nhas it"};
    auto out = parse_event(bare(to_line(event)));
    ASSERT_TRUE(out);
    EXPECT_EQ(out->kind, EventKind::failed);
    EXPECT_EQ(out->error.kind, ErrorKind::Absent);
    EXPECT_EQ(out->error.message, "no mirror\\x0a201 URI Done\\x0ahas it");
    EXPECT_FALSE(out->error.retry_after);
    event.error = {ErrorKind::Transient, "busy", Seconds(17)};
    EXPECT_EQ(parse_event(bare(to_line(event)))->error.retry_after, Seconds(17));
    for (const char* wrong : {"-1", "\"soon\"", "1e300", "null"})
        EXPECT_FALSE(parse_event(
            fmt::format(R"({{"event":"failed","id":9,"kind":"transient","message":"busy","retry_after":{}}})", wrong)))
            << wrong;
}

TEST(Protocol, CarriesAnAnswerAsJsonText) {
    Event event;
    event.kind = EventKind::answer;
    event.id = 2;
    event.result = R"({"files": [1, 2]})";
    auto out = parse_event(bare(to_line(event)));
    ASSERT_TRUE(out);
    EXPECT_EQ(out->result, R"({"files":[1,2]})");
    event.result = "not json";
    out = parse_event(bare(to_line(event)));
    ASSERT_TRUE(out);
    EXPECT_EQ(out->result, "null");
}

TEST(Protocol, SurvivesTextThatIsNotUtf8) {
    Event event;
    event.error = {ErrorKind::Broken, "\xff\xfe broken"};
    EXPECT_TRUE(parse_event(bare(to_line(event))));
}

TEST(Protocol, RefusesWhatIsNoEvent) {
    for (const char* line :
         {"", "{}", R"({"event":"party"})", R"({"event":"done","sources":{}})", R"({"event":"done","sources":[1]})",
          R"({"event":"progress","safe":-1})", R"({"event":"done","id":1,"sha256":7})"})
        EXPECT_FALSE(parse_event(line)) << line;
}

}  // namespace
}  // namespace packswarm::control
