#include "p2p/core/apt_printed.hpp"

#include <gtest/gtest.h>

#include "p2p/base/limits.hpp"

namespace packswarm::core {
namespace {

TEST(AptPrinted, HasTheAddressesOfWhatWouldBeDownloaded) {
    const auto out = parse_printed_addresses(
        "Reading package lists...\n"
        "'http://mirror.example/debian/pool/main/h/hello/hello_2.10-3_amd64.deb' hello_2.10-3_amd64.deb 53100 "
        "SHA256:0a\n"
        "'https://mirror.example/d/pool/main/g/g%2b%2b/g%2b%2b_1%3a2_amd64.deb' g++_1%3a2_amd64.deb 7 SHA512:0b\n"
        "'http://mirror.example/last_1_all.deb' last_1_all.deb 9 SHA256:0c");
    ASSERT_TRUE(out);
    EXPECT_EQ(*out, (std::vector<std::string>{"http://mirror.example/debian/pool/main/h/hello/hello_2.10-3_amd64.deb",
                                              "https://mirror.example/d/pool/main/g/g%2b%2b/g%2b%2b_1%3a2_amd64.deb",
                                              "http://mirror.example/last_1_all.deb"}));
}

TEST(AptPrinted, LeavesOutWhatIsNoAddressOfAServer) {
    const auto out = parse_printed_addresses(
        "\n'\n''\n'http://open.example/a\n'file:/var/a.deb' a.deb 1 SHA256:0a\n'cdrom://[x]/a.deb' a.deb 1 "
        "x\nhttp://bare.example/a.deb' x\n'" +
        std::string("http://long.example/") + std::string(limits::max_url, 'x') + "' long 1 x\n");
    ASSERT_TRUE(out);
    EXPECT_TRUE(out->empty());
    EXPECT_TRUE(parse_printed_addresses("")->empty());
}

TEST(AptPrinted, RefusesMoreThanAnyDistributionHas) {
    std::string text;
    for (std::size_t i = 0; i <= limits::max_printed_packages; ++i) text += "'http://m.example/a' a 1 x\n";
    EXPECT_EQ(parse_printed_addresses(text).error().kind, ErrorKind::Refused);
}

}  // namespace
}  // namespace packswarm::core
