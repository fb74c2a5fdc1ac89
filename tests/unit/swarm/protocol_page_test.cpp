// docs/peer-protocol.md is right: each of its vectors, made by another program from the page's words, is what this one
// sends and understands.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "p2p/base/text.hpp"
#include "p2p/core/artifact.hpp"
#include "p2p/core/canonical.hpp"
#include "p2p/swarm/channel/message.hpp"
#include "p2p/swarm/discovery/rendezvous.hpp"
#include "p2p/swarm/torrents/canonical_torrent.hpp"
#include "tests/support/formats.hpp"

namespace packswarm::swarm {
namespace {

// name -> hexadecimal digits, of the page's fenced blocks
std::map<std::string, std::string> vectors() {
    const auto tree = std::filesystem::path(PACKSWARM_TEST_DATA).parent_path().parent_path();
    std::ifstream page(tree / "docs/peer-protocol.md");
    std::map<std::string, std::string> out;
    std::string line, name;
    while (std::getline(page, line)) {
        if (line.starts_with("```"))
            name = line.substr(3);
        else if (!name.empty())
            out[name] += line;
    }
    return out;
}

std::string hex(ByteView bytes) {
    std::string out;
    for (const char byte : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    return out;
}

Digest filled(int byte) {
    Digest out;
    out.bytes.fill(static_cast<std::uint8_t>(byte));
    return out;
}

Hello hello() {
    Hello out;
    out.agent_id = {1, 2, 3};
    out.listen_port = 26881;
    out.agent = "packswarm/0.1";
    out.root = {1'790'000'000, filled(9), 150'000, {filled(5), {{7, WallTime(Seconds(1'790'000'000))}, {8, {}}}, {11}}};
    out.others = {{1'780'000'000, filled(8), 50'000, {filled(6), {}, {14}}}};
    return out;
}

Hello hello_of_the_first_version() {
    auto out = hello();
    out.version = 1;
    return out;
}

Have have() {
    Have out{filled(4), 600'000, std::vector<bool>(10)};
    out.pieces.front() = out.pieces.back() = true;
    return out;
}

TEST(ProtocolPage, MessagesAreAsItSays) {
    const std::map<std::string, Message> messages = {
        {"hello", hello()},
        {"hello1", hello_of_the_first_version()},
        {"ask", Ask{7, {filled(1), filled(2)}}},
        {"tell", Tell{7, false, {{filled(1), 100, {}, 566}}}},
        {"get", Get{4'294'967'295, filled(3), 1 << 30, 131'072}},
        {"data", Data{4, as_bytes("some bytes")}},
        {"refuse", Refuse{5}},
        {"cancel", Cancel{6}},
        {"have", have()},
    };
    const auto page = vectors();
    for (const auto& [name, message] : messages) {
        ASSERT_TRUE(page.contains(name)) << name;
        const auto bytes = encode(message);
        EXPECT_EQ(hex(bytes), page.at(name)) << name;
        const auto read = decode(bytes);
        ASSERT_TRUE(read) << name;
        EXPECT_EQ(hex(encode(*read)), page.at(name)) << name;
    }
    EXPECT_EQ(page.size(), messages.size() + 3) << "a vector that nothing reads";
}

TEST(ProtocolPage, TorrentsAreAsItSays) {
    const auto page = vectors();
    const core::Lineage lineage{test::debian(), "0123456789ABCDEF0123456789ABCDEF01234567", "bookworm", "amd64"};
    EXPECT_EQ(hex(lineage_id(lineage).raw()), page.at("infohash"));
    EXPECT_EQ(hex(lineage_id(lineage, "01").raw()), page.at("shard"));
    const ByteCount size = 1'500'000;
    const auto zeros = PieceHash::parse("6768033e216468247bd031a0a2d9876d79818f8f");
    ASSERT_TRUE(zeros);
    const PieceHashes pieces(core::piece_count(size), *zeros);
    EXPECT_EQ(hex(infohash(filled(10), size, pieces).raw()), page.at("infohash-of-artifact"));
}

}  // namespace
}  // namespace packswarm::swarm
