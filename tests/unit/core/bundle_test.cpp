#include "p2p/core/bundle.hpp"

#include <gtest/gtest.h>

#include "p2p/base/limits.hpp"

namespace packswarm::core {
namespace {

TEST(Bundle, CarriesRootAndSignatureAndRefusesBrokenOnes) {
    const Bundle bundle{Bytes{'d', 'b', '\n', '9'}, Bytes{'s'}};
    const auto packed = pack_bundle(bundle);
    const auto back = unpack_bundle(packed);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->root, bundle.root);
    EXPECT_EQ(back->signature, bundle.signature);
    EXPECT_EQ(unpack_bundle(pack_bundle({Bytes{'x'}, std::nullopt}))->root, Bytes{'x'});
    for (const std::string bad :
         {"packswarm-root-1\n", "packswarm-root-1\n99\nab", "packswarm-root-1\nx\n", "packswarm-root-1\n1"})
        EXPECT_EQ(unpack_bundle(Bytes(bad.begin(), bad.end())).error().kind, ErrorKind::Corrupt) << bad;
}

TEST(Bundle, ALengthBeyondItsBytesOrALongerSignatureThanAnyIsCorrupt) {
    const auto read = [](const std::string& text) { return unpack_bundle(Bytes(text.begin(), text.end())); };
    const std::string head = "packswarm-root-1\n2\nab";
    const std::string longest(static_cast<std::size_t>(limits::max_signature), 's');
    ASSERT_TRUE(read(head + longest));
    EXPECT_EQ(read(head + longest)->signature->size(), longest.size());
    EXPECT_EQ(read(head + longest + "s").error().kind, ErrorKind::Corrupt);
    EXPECT_EQ(read("packswarm-root-1\n3\nab").error().kind, ErrorKind::Corrupt);
    EXPECT_EQ(read("packswarm-root-1\n-1\nab").error().kind, ErrorKind::Corrupt);
    EXPECT_EQ(read("packswarm-root-1\n99999999999999999999999\nab").error().kind, ErrorKind::Corrupt);
}

TEST(Bundle, WithAnEmptySignatureIsNotOneWithoutAny) {
    const auto back = unpack_bundle(pack_bundle({Bytes{'r'}, Bytes{}}));
    ASSERT_TRUE(back);
    ASSERT_TRUE(back->signature);
    EXPECT_TRUE(back->signature->empty());
}

}  // namespace
}  // namespace packswarm::core
