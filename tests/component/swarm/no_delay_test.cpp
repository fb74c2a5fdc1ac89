#include "p2p/swarm/channel/no_delay.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace packswarm::test {
namespace {

using boost::asio::ip::tcp;

TEST(NoDelay, IsSetOnTheOneConnectionThatHasTheseEnds) {
    boost::asio::io_context io;
    for (const char* host : {"127.0.0.1", "::1"}) {
        boost::system::error_code error;
        tcp::acceptor door(io);
        const tcp::endpoint at(boost::asio::ip::make_address(host), 0);
        door.open(at.protocol());
        door.bind(at, error);
        if (error) continue;  // a machine without IPv6
        door.listen();
        tcp::socket one(io), other(io);
        one.connect(door.local_endpoint());
        other.connect(door.local_endpoint());
        tcp::no_delay is_set;
        EXPECT_TRUE(swarm::no_delay(one.local_endpoint(), one.remote_endpoint()));
        one.get_option(is_set);
        EXPECT_TRUE(is_set.value());
        other.get_option(is_set);
        EXPECT_FALSE(is_set.value());
        const auto local = other.local_endpoint(), remote = other.remote_endpoint();
        other.close();
        EXPECT_FALSE(swarm::no_delay(local, remote));
    }
}

}  // namespace
}  // namespace packswarm::test
