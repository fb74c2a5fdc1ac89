#include "p2p/swarm/discovery/node_file.hpp"

#include <gtest/gtest.h>

#include "p2p/base/limits.hpp"
#include "p2p/swarm/internet.hpp"

namespace packswarm::swarm {
namespace {

TEST(NodeFile, IsOneEndpointALineWithComments) {
    const auto nodes = parse_nodes("# ours\n\n  one.example:6881  # the first\n[2001:db8::1]:7\n192.0.2.1:8\n");
    ASSERT_TRUE(nodes) << nodes.error().message;
    EXPECT_EQ(*nodes, (std::vector<std::string>{"one.example:6881", "[2001:db8::1]:7", "192.0.2.1:8"}));
    EXPECT_TRUE(parse_nodes("")->empty());
}

TEST(NodeFile, AnErrorNamesTheLine) {
    for (const auto* text :
         {"a.example:1\nb.example\n", "a.example:1\nb.example:0\n", "a.example:1\nb.example:1 c:2\n"}) {
        const auto nodes = parse_nodes(text);
        ASSERT_FALSE(nodes) << text;
        EXPECT_EQ(nodes.error().kind, ErrorKind::Corrupt);
        EXPECT_NE(nodes.error().message.find("line 2"), std::string::npos) << nodes.error().message;
    }
    std::string many;
    for (std::size_t i = 0; i <= limits::max_public_nodes; ++i) many += "a.example:1\n";
    EXPECT_FALSE(parse_nodes(many));
    EXPECT_EQ(read_nodes("/nonexistent/nodes").error().kind, ErrorKind::Absent);
}

TEST(NodeFile, TheOneOfThePackageIsReadAndNamesSeveralOperators) {
    const auto file = std::filesystem::path(PACKSWARM_TEST_DATA).parent_path().parent_path() / "contrib/dht-nodes";
    const auto nodes = read_nodes(file);
    ASSERT_TRUE(nodes) << nodes.error().message;
    EXPECT_GE(nodes->size(), 3U);
}

TEST(Internet, IsOneOfThreeWords) {
    for (const auto one : {Internet::off, Internet::find, Internet::find_and_be_found})
        EXPECT_EQ(parse_internet(to_string(one)).value(), one);
    for (const auto* text : {"", "on", "Find", "be-found"}) EXPECT_FALSE(parse_internet(text)) << text;
}

}  // namespace
}  // namespace packswarm::swarm
