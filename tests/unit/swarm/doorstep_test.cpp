#include "p2p/swarm/doorstep.hpp"

#include <gtest/gtest.h>

namespace packswarm::swarm {
namespace {

using namespace std::chrono_literals;

class DoorstepTest : public ::testing::Test {
  protected:
    static lt::tcp::endpoint from(const std::string& address, int port) {
        return {lt::make_address(address), static_cast<std::uint16_t>(port)};
    }
    void come(const std::string& address, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) doorstep_.came(from(address, 1024 + static_cast<int>(i)), now_);
    }
    TimePoint now_{1h};
    std::vector<std::string> out_;
    int refused_ = 0;
    Doorstep doorstep_{[this](const lt::address& address) { out_.push_back(address.to_string()); },
                       [this] { ++refused_; }};
};

TEST_F(DoorstepTest, WhoHasMostOfTooManyIsKeptOut) {
    come("192.0.2.7", limits::max_unknown_connections - 1);
    come("198.51.100.1", 1);
    EXPECT_TRUE(out_.empty());
    come("203.0.113.1", 1);
    EXPECT_EQ(out_, std::vector<std::string>{"192.0.2.7"});
    EXPECT_EQ(doorstep_.waiting(), 2U);
}

TEST_F(DoorstepTest, OfConnectionsThatAnybodyBeginsInAnyNameNobodyIsKeptOut) {
    const auto begin = [&](std::size_t count, int first) {
        for (std::size_t i = 0; i < count; ++i)
            doorstep_.came(from("192.0.2.7", first + static_cast<int>(i)), now_, Doorstep::Transport::utp);
    };
    begin(limits::max_unknown_connections, 1024);
    EXPECT_EQ(refused_, 0);
    doorstep_.went_in(from("192.0.2.7", 1024));
    begin(2, 9000);
    EXPECT_EQ(refused_, 1);
    EXPECT_TRUE(out_.empty());
    begin(limits::max_unknown_connections, 1024);
    now_ += limits::max_unknown_wait;
    begin(limits::max_unknown_connections, 10'000);
    EXPECT_EQ(refused_, 1) << "who has waited long does not count";
}

TEST_F(DoorstepTest, AnAddressMappedIntoIPv6IsTheSame) {
    come("::ffff:192.0.2.7", limits::max_unknown_connections / 2);
    come("192.0.2.7", limits::max_unknown_connections);
    EXPECT_EQ(out_, std::vector<std::string>{"192.0.2.7"});
}

TEST_F(DoorstepTest, WhoSaysTheWordOrHasWaitedLongDoesNotCount) {
    come("192.0.2.7", limits::max_unknown_connections);
    doorstep_.went_in(from("192.0.2.7", 1024));
    come("203.0.113.1", 1);
    EXPECT_TRUE(out_.empty());
    now_ += limits::max_unknown_wait;
    come("203.0.113.1", limits::max_unknown_connections);
    EXPECT_TRUE(out_.empty());
    EXPECT_EQ(doorstep_.waiting(), limits::max_unknown_connections);
}

TEST_F(DoorstepTest, ACrowdOfManyKeepsNobodyOut) {
    for (std::size_t i = 0; i < 2 * limits::max_unknown_connections; ++i)
        come("10." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ".1", 1);
    EXPECT_TRUE(out_.empty());
    EXPECT_EQ(doorstep_.waiting(), limits::max_unknown_connections);
}

}  // namespace
}  // namespace packswarm::swarm
