#include "p2p/broker/transfer/remains_note.hpp"

#include <gtest/gtest.h>

#include "p2p/base/limits.hpp"
#include "p2p/base/text.hpp"
#include "verify/hasher.hpp"

namespace packswarm::broker {
namespace {

TEST(RemainsNote, IsReadAsItWasWritten) {
    RemainsNote note{verify::digest_of(as_bytes("a")),
                     5'000'000,
                     WallTime(Seconds(1'700'000'000)),
                     {{"http://a.test/debian", {0, 100}}, {"[2001:db8::1]:6881", {4'000'000, 5'000'000}}}};
    const auto text = note.text();
    const auto read = RemainsNote::parse(text);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->digest, note.digest);
    EXPECT_EQ(read->size, note.size);
    EXPECT_EQ(read->modified, note.modified);
    EXPECT_EQ(read->gifts, note.gifts);
}

TEST(RemainsNote, IsNotReadWhenAnythingIsWrongWithIt) {
    const RemainsNote note{verify::digest_of(as_bytes("a")), 5'000'000, {}, {{"http://a.test/debian", {0, 100}}}};
    const auto text = note.text();
    for (std::size_t at = 0; at < text.size(); ++at) {
        auto spoiled = text;
        spoiled[at] = static_cast<char>(spoiled[at] ^ 1);
        EXPECT_FALSE(RemainsNote::parse(spoiled)) << at;
        EXPECT_FALSE(RemainsNote::parse(ByteView(text).first(at))) << at;
    }
    const auto first = "packswarm remains 1\n" + note.digest.hex();
    for (const char* rest : {" 100 0\n0 101 a\n", " 100 0\n5 5 a\n", " 100 0\n-1 5 a\n", " 100 0\n0 5 \n",
                             " 100 0\n0 5\n", " 100\n", " 99999999999999999999 0\n", ""}) {
        const auto sealed = RemainsNote::sealed(first + rest);
        EXPECT_FALSE(RemainsNote::parse(as_bytes(sealed))) << rest;
    }
    EXPECT_TRUE(RemainsNote::parse(as_bytes(RemainsNote::sealed(first + " 100 0\n0 100 a b\n"))));
}

TEST(RemainsNote, KeepsWithinItsBound) {
    RemainsNote note{{}, limits::max_artifact, {}, {}};
    for (ByteCount at = 0; at < 60'000; ++at)
        note.gifts.push_back({"http://mirror.example/with/a/long/address", {2 * at, 2 * at + 1}});
    EXPECT_TRUE(note.text().empty());
}

}  // namespace
}  // namespace packswarm::broker
