#include "p2p/broker/desks/request_reader.hpp"

#include "tests/unit/broker/desk_fixture.hpp"

namespace packswarm::broker {
namespace {

class RequestReaderTest : public DeskFixture {
  protected:
    std::vector<std::string> addresses_of(const Request& request) const {
        std::vector<std::string> out;
        for (const auto& mirror : reader_->addresses(reader_->read(request).value())) out.push_back(mirror.url);
        return out;
    }
};

TEST_F(RequestReaderTest, AddressesWithAPasswordAreNotTaken) {
    auto request = request_of("/pool/a.deb");
    request.url = "http://user:secret@a/pool/a.deb";
    const auto meaning = reader_->read(request);
    ASSERT_FALSE(meaning);
    EXPECT_EQ(meaning.error().kind, ErrorKind::Refused);
    EXPECT_EQ(meaning.error().message.find("secret"), std::string::npos);
}

TEST_F(RequestReaderTest, RefusesWhatIsLargerThanItsAskerTakes) {
    auto request = request_of("/pool/a.deb");
    request.digest = digest_of("a");
    request.size = 1001;
    request.max_size = 1000;
    EXPECT_EQ(reader_->read(request).error().kind, ErrorKind::Refused);
    request.size = 1000;
    EXPECT_EQ(reader_->read(request)->size, 1000);
}

TEST_F(RequestReaderTest, ByItsDigestAFileMayBeHadFromAllBases) {
    auto request = request_of("/pool/a.deb");
    request.digest = digest_of("a");
    EXPECT_EQ(addresses_of(request), (std::vector<std::string>{"http://a/pool/a.deb", "http://b/pool/a.deb"}));
}

TEST_F(RequestReaderTest, ByItsNameAloneItIsAskedForWhereItsAskerAsks) {
    EXPECT_EQ(addresses_of(request_of("/pool/a.deb")), std::vector<std::string>{"http://a/pool/a.deb"});
}

TEST_F(RequestReaderTest, WhatStandsInNoRepositoryIsAskedForAtItsOwnServer) {
    auto request = request_of("/pool/a.deb");
    request.url = "http://elsewhere/a.deb";
    request.digest = digest_of("a");
    EXPECT_EQ(addresses_of(request), std::vector<std::string>{"http://elsewhere/a.deb"});
    EXPECT_FALSE(reader_->is_listed(*reader_->read(request)));
}

}  // namespace
}  // namespace packswarm::broker
