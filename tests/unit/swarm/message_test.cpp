#include "p2p/swarm/channel/message.hpp"

#include <gtest/gtest.h>

#include "p2p/base/limits.hpp"
#include "p2p/core/canonical.hpp"

namespace packswarm::swarm {
namespace {

Digest digest_of(int seed) {
    Digest out;
    out.bytes.fill(static_cast<std::uint8_t>(seed));
    return out;
}

template <class T>
T through_the_wire(const T& message) {
    const auto bytes = encode(message);
    const auto back = decode(bytes);
    EXPECT_TRUE(back) << back.error().message;
    return back ? std::get<T>(*back) : T{};
}

Hello some_hello() {
    Hello hello;
    hello.agent_id = {1, 2, 3};
    hello.listen_port = 65535;
    hello.agent = "packswarm/0.1";
    hello.root = {1'790'000'000,
                  digest_of(9),
                  150'000,
                  {digest_of(5), {{7, WallTime(Seconds(1'790'000'000))}, {8, {}}}, {11, 12, 13}}};
    hello.others = {{1'780'000'000, digest_of(8), 50'000, {digest_of(6), {}, {14}}}};
    return hello;
}

TEST(Message, SurvivesTheWire) {
    EXPECT_EQ(through_the_wire(some_hello()), some_hello());
    const Ask ask{7, {digest_of(1), digest_of(2)}};
    EXPECT_EQ(through_the_wire(ask), ask);
    const Tell tell{7,
                    false,
                    {{digest_of(1), 100, {}, 566},
                     {digest_of(2), 5 * limits::mib, PieceHashes(core::piece_count(5 * limits::mib))}}};
    EXPECT_EQ(through_the_wire(tell), tell);
    const Get get{0xffffffff, digest_of(3), 1 << 30, 131072};
    EXPECT_EQ(through_the_wire(get), get);
    EXPECT_EQ(through_the_wire(Refuse{5}), Refuse{5});
    EXPECT_EQ(through_the_wire(Cancel{6}), Cancel{6});
    Have have{digest_of(4), 600'000,
              std::vector<bool>(10)};  // ten pieces of 64 KiB: the bitfield's last byte is not full
    have.pieces[0] = have.pieces[9] = true;
    EXPECT_EQ(through_the_wire(have), have);
    const auto bytes = encode(Data{4, as_bytes("some bytes")});
    const auto data = decode(bytes);
    ASSERT_TRUE(data);
    EXPECT_EQ(as_text(std::get<Data>(*data).bytes), "some bytes");
}

TEST(Message, EveryTruncationIsMalformed) {
    const Tell tell{7, true, {{digest_of(2), 5 * limits::mib, PieceHashes(core::piece_count(5 * limits::mib))}}};
    for (const Message& message : {Message(some_hello()), Message(Ask{7, {digest_of(1), digest_of(2)}}), Message(tell),
                                   Message(Get{1, digest_of(3), 0, 10}), Message(Refuse{5}), Message(Cancel{6})}) {
        const auto bytes = encode(message);
        for (std::size_t size = 0; size < bytes.size(); ++size)
            EXPECT_FALSE(decode(ByteView(bytes).first(size))) << "type " << message.index() << " cut to " << size;
    }
}

TEST(Message, TrailingBytesAreMalformedExceptInHello) {
    for (const Message& message :
         {Message(Ask{7, {digest_of(1)}}), Message(Tell{}), Message(Get{1, digest_of(3), 0, 10}), Message(Refuse{5})}) {
        auto bytes = encode(message);
        bytes.push_back(0);
        EXPECT_FALSE(decode(bytes)) << "type " << message.index();
    }
    auto hello = encode(some_hello());
    hello.push_back(0);
    EXPECT_TRUE(decode(hello));
}

// As agents of the first protocol say it: one root, and nothing of where it is from.
TEST(Message, AHelloOfTheFirstVersionIsUnderstoodAndUnderstandsOurs) {
    auto old = some_hello();
    old.version = 1;
    const auto bytes = encode(old);
    const auto read = through_the_wire(old);
    EXPECT_EQ(read.root.root, old.root.root);
    EXPECT_EQ(read.root.provenance, core::Provenance{});
    EXPECT_TRUE(read.others.empty());
    auto ours = encode(some_hello());
    ASSERT_GT(ours.size(), bytes.size());
    ours.resize(bytes.size());
    ours[2] = 1;  // the version's low byte: what follows its fields is left unread by the first version
    EXPECT_EQ(ours, bytes);
}

TEST(Message, NumbersBeyondTheBoundsAreMalformed) {
    EXPECT_FALSE(decode(encode(Get{1, digest_of(1), 0, 0})));
    EXPECT_FALSE(decode(encode(Get{1, digest_of(1), 0, static_cast<std::uint32_t>(limits::max_data_block) + 1})));
    EXPECT_FALSE(decode(encode(Get{1, digest_of(1), -1, 1})));
    EXPECT_FALSE(decode(encode(Get{1, digest_of(1), limits::max_artifact, 1})));
    EXPECT_FALSE(decode(encode(Ask{1, {}})));
    EXPECT_FALSE(decode(encode(Ask{1, std::vector<Digest>(limits::max_ask + 1)})));
    EXPECT_FALSE(decode(encode(Tell{1, true, {{digest_of(1), -1, {}}}})));
    EXPECT_FALSE(decode(encode(Tell{1, true, {{digest_of(1), limits::max_artifact + 1, {}}}})));
    EXPECT_FALSE(decode(
        encode(Tell{1, true, {{digest_of(1), 5, {}, static_cast<std::uint16_t>(limits::max_package_signature + 1)}}})));
    auto hello = some_hello();
    hello.root.root_size = limits::max_database + 1;
    EXPECT_FALSE(decode(encode(hello)));
    hello = some_hello();
    hello.root.provenance.contents.front().date = WallTime(Seconds(-1));
    EXPECT_FALSE(decode(encode(hello)));
    hello = some_hello();
    hello.version = 0;
    EXPECT_FALSE(decode(encode(hello)));
    EXPECT_FALSE(decode(Bytes(static_cast<std::size_t>(limits::max_peer_message) + 1, 5)));
    EXPECT_FALSE(decode(Bytes{}));
    EXPECT_FALSE(decode(Bytes{99}));
}

TEST(Message, TellWithANumberOfPiecesThatDoesNotFitTheSizeIsMalformed) {
    EXPECT_FALSE(decode(encode(Tell{1, true, {{digest_of(1), 5 * limits::mib, PieceHashes(3)}}})));
}

TEST(Message, TheLongestTellEntryFitsAMessage) {
    const Told entry{digest_of(1), limits::max_artifact, PieceHashes(core::piece_count(limits::max_artifact))};
    EXPECT_TRUE(decode(encode(Tell{1, true, {entry}})));
}

}  // namespace
}  // namespace packswarm::swarm
