#include "p2p/swarm/seats.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "p2p/base/limits.hpp"

namespace packswarm::swarm {
namespace {

using namespace std::chrono_literals;

LineageId torrent(int number) {
    return LineageId::from_raw((std::string(19, '\0') + static_cast<char>(number)).data());
}

class SeatsTest : public ::testing::Test {
  protected:
    using Taken = std::unique_ptr<Seats::Seat>;
    Taken take(const std::string& address, int in = 1, bool is_near = false) {
        auto seat = seats_.take({torrent(in), address, is_near}, now_);
        if (seat) seat->when_lost([this, address] { lost_.push_back(address); });
        return seat;
    }
    // So many of different networks, each with some.
    void fill(std::size_t count, std::size_t each, int in = 1) {
        for (std::size_t i = 0; i < count; ++i) {
            const auto network =
                std::to_string(10 + in) + "." + std::to_string(i / each / 250) + "." + std::to_string(i / each % 250);
            held_.push_back(take(network + ".1", in));
            ASSERT_TRUE(held_.back());
        }
    }
    TimePoint now_{1h};
    std::vector<Task> later_;
    Seats seats_{[this](Task task) { later_.push_back(std::move(task)); }};
    std::vector<std::string> lost_;
    std::vector<Taken> held_;
    void run() {
        for (auto& task : std::exchange(later_, {})) task();
    }
};

TEST_F(SeatsTest, AStrangerOfANewNetworkTakesTheSeatOfWhoHoldsMostAndWasIdleLongest) {
    fill(limits::max_torrent_strangers, 10);
    for (auto& seat : held_) seat->used(now_ + 2s);
    held_[25]->used(now_);
    now_ += 3s;
    const auto newcomer = take("198.51.100.1");
    ASSERT_TRUE(newcomer);
    EXPECT_TRUE(lost_.empty()) << "not while somebody else is being let in";
    run();
    ASSERT_EQ(lost_.size(), 1U);
    EXPECT_EQ(lost_[0].substr(0, lost_[0].rfind('.')),
              held_[0]->sitter().address.substr(0, held_[0]->sitter().address.rfind('.')))
        << "of those that hold most the first is as good as any";
    EXPECT_EQ(seats_.taken(), limits::max_torrent_strangers);
}

TEST_F(SeatsTest, OfOneAddressTheIdleOneGoes) {
    fill(limits::max_torrent_strangers, limits::max_torrent_strangers);
    for (auto& seat : held_) seat->used(now_ + 2s);
    bool lost = false;
    held_[25]->used(now_);
    held_[25]->when_lost([&] { lost = true; });
    now_ += 3s;
    EXPECT_TRUE(take("198.51.100.1"));
    run();
    EXPECT_TRUE(lost);
}

TEST_F(SeatsTest, WhereEverybodyHoldsOneOnlyWhoWasIdleForAWhileGoes) {
    fill(limits::max_torrent_strangers, 1);
    EXPECT_FALSE(take("198.51.100.1"));
    now_ += limits::seat_spared;
    for (std::size_t i = 1; i < held_.size(); ++i) held_[i]->used(now_);
    EXPECT_TRUE(take("198.51.100.1"));
    run();
    EXPECT_EQ(lost_, std::vector<std::string>{"11.0.0.1"});
}

TEST_F(SeatsTest, NobodyTakesItsOwnSeatAwayWhileItIsInUse) {
    fill(limits::max_torrent_strangers, 10);
    EXPECT_FALSE(take("11.0.0.1"));
    now_ += limits::seat_spared;
    EXPECT_TRUE(take("11.0.0.1"));
}

TEST_F(SeatsTest, NeighboursHaveSeatsOfTheirOwn) {
    fill(limits::max_torrent_strangers, 1);
    for (std::size_t i = 0; i < limits::max_torrent_neighbours; ++i) {
        held_.push_back(take("192.168.0.7", 1, true));
        ASSERT_TRUE(held_.back());
    }
    EXPECT_FALSE(take("192.168.0.7", 1, true));
    EXPECT_TRUE(take("192.168.0.8", 1, true)) << "of one network, and yet each for itself";
    run();
    EXPECT_EQ(lost_, std::vector<std::string>{"192.168.0.7"});
}

TEST_F(SeatsTest, AllTorrentsTogetherHaveALimitToo) {
    const auto torrents = limits::max_strangers / limits::max_torrent_strangers;
    for (std::size_t i = 0; i < torrents; ++i) fill(limits::max_torrent_strangers, 10, static_cast<int>(i) + 1);
    const auto newcomer = take("198.51.100.1", 99);
    ASSERT_TRUE(newcomer);
    EXPECT_EQ(seats_.taken(), limits::max_strangers);
    run();
    EXPECT_EQ(lost_.size(), 1U);
}

TEST_F(SeatsTest, WhatIsGivenBackIsFree) {
    fill(limits::max_torrent_strangers, 1);
    held_.pop_back();
    EXPECT_TRUE(take("198.51.100.1"));
    held_.clear();
    EXPECT_EQ(seats_.taken(), 0U);
}

}  // namespace
}  // namespace packswarm::swarm
