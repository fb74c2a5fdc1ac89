#include <gtest/gtest.h>

#include <future>

#include "p2p/web/moved_hosts.hpp"

namespace packswarm::web {
namespace {

using namespace std::chrono_literals;

struct Ringing {
    std::shared_ptr<std::promise<void>> rung = std::make_shared<std::promise<void>>();
    std::future<void> heard = rung->get_future();
    Task task() const {
        return [rung = rung] { rung->set_value(); };
    }
};

TEST(MovedHosts, ANameThatStillLeadsThereHasNotMoved) {
    Ringing bell;
    MovedHosts hosts(bell.task());
    const auto now = std::chrono::steady_clock::now();
    hosts.doubt("localhost", now);
    ASSERT_EQ(bell.heard.wait_for(30s), std::future_status::ready);
    EXPECT_FALSE(hosts.leads_elsewhere("localhost", "127.0.0.1", now) &&
                 hosts.leads_elsewhere("localhost", "::1", now));
    EXPECT_TRUE(hosts.leads_elsewhere("localhost", "192.0.2.1", now));
}

TEST(MovedHosts, AnAnswerThatIsOlderThanTheDoubtSaysNothing) {
    Ringing bell;
    MovedHosts hosts(bell.task());
    const auto now = std::chrono::steady_clock::now();
    hosts.doubt("localhost", now);
    ASSERT_EQ(bell.heard.wait_for(30s), std::future_status::ready);
    EXPECT_FALSE(hosts.leads_elsewhere("localhost", "192.0.2.1", now + 1s));
}

TEST(MovedHosts, ANameThatNobodyKnowsHasNotMoved) {
    Ringing bell;
    MovedHosts hosts(bell.task());
    const auto now = std::chrono::steady_clock::now();
    hosts.doubt("no-such-name.invalid", now);
    ASSERT_EQ(bell.heard.wait_for(60s), std::future_status::ready);
    EXPECT_FALSE(hosts.leads_elsewhere("no-such-name.invalid", "192.0.2.1", now));
}

}  // namespace
}  // namespace packswarm::web
