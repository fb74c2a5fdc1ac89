#include "p2p/daemon/asio_loop.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <stdexcept>
#include <thread>
#include <vector>

#include "p2p/base/mishap.hpp"
#include "p2p/base/stop.hpp"

namespace packswarm::daemon {
namespace {

using namespace std::chrono_literals;

class AsioLoopTest : public testing::Test {
  protected:
    boost::asio::io_context io;
    AsioLoop loop{io};
};

TEST_F(AsioLoopTest, WhatATaskThrowsEndsThatTaskOnly) {
    const auto before = mishaps();
    int ran = 0;
    loop.post([] { throw std::runtime_error("a task"); });
    loop.post([&] { ++ran; });
    loop.after(1ms, [] { throw std::runtime_error("a timer"); });
    loop.after(2ms, [&] { ++ran; });
    loop.run();
    EXPECT_EQ(ran, 2);
    EXPECT_EQ(mishaps(), before + 2);
}

TEST_F(AsioLoopTest, WhatAJobThrowsEndsThatJobOnly) {
    const auto before = mishaps();
    bool answered = false;
    {
        const auto waiting = boost::asio::make_work_guard(io);
        WorkerPool pool(loop, 1);
        pool.run([]() -> Task { throw std::runtime_error("a job"); });
        pool.run([&]() -> Task { return [&] { answered = true, io.stop(); }; });
        loop.run();
    }
    EXPECT_TRUE(answered);
    EXPECT_EQ(mishaps(), before + 1);
}

TEST_F(AsioLoopTest, AStoppedPoolTellsItsJobsAndBeginsNoMore) {
    std::atomic<bool> begun = false, told = false, late = false;
    {
        WorkerPool pool(loop, 1);
        pool.run([&]() -> Task {
            begun = true;
            while (!is_stopped()) std::this_thread::yield();
            told = true;
            return {};
        });
        pool.run([&]() -> Task { return late = true, Task(); });
        while (!begun) std::this_thread::yield();
    }
    EXPECT_TRUE(told);
    EXPECT_FALSE(late);
}

TEST_F(AsioLoopTest, RunsPostedTasksInOrderAndNotAtOnce) {
    std::vector<int> ran;
    loop.post([&] {
        loop.post([&] { ran.push_back(3); });
        ran.push_back(1);
    });
    loop.post([&] { ran.push_back(2); });
    EXPECT_TRUE(ran.empty());
    io.run_for(10s);
    EXPECT_EQ(ran, (std::vector<int>{1, 2, 3}));
}

TEST_F(AsioLoopTest, FiresTimersOnceInTheOrderOfTheirTimes) {
    std::vector<int> ran;
    const auto begin = loop.now();
    loop.after(30ms, [&] { ran.push_back(2); });
    loop.after(10ms, [&] { ran.push_back(1); });
    io.run_for(10s);
    EXPECT_EQ(ran, (std::vector<int>{1, 2}));
    EXPECT_GE(loop.now() - begin, 30ms);
}

TEST_F(AsioLoopTest, DoesNotFireCancelledTimers) {
    bool fired = false;
    const auto timer = loop.after(1ms, [&] { fired = true; });
    EXPECT_NE(timer, TimerId::none);
    loop.cancel(timer);
    loop.cancel(timer);
    loop.cancel(TimerId::none);
    io.run_for(10s);
    EXPECT_FALSE(fired);
}

TEST_F(AsioLoopTest, DoesNotFireATimerCancelledAfterItWasDue) {
    bool fired = false;
    TimerId second = TimerId::none;
    loop.after(1ms, [&] { loop.cancel(second); });
    second = loop.after(1ms, [&] { fired = true; });
    std::this_thread::sleep_for(5ms);  // both are due before the loop looks
    io.run_for(10s);
    EXPECT_FALSE(fired);
}

TEST_F(AsioLoopTest, LetsATaskStartAnotherTimerOrCancelItself) {
    int count = 0;
    std::function<void()> again = [&] {
        if (++count < 3) loop.after(1ms, again);
    };
    loop.after(1ms, again);
    io.run_for(10s);
    EXPECT_EQ(count, 3);
}

TEST_F(AsioLoopTest, WorkersRunElsewhereAndAnswerOnTheLoop) {
    WorkerPool workers(loop);
    const auto here = std::this_thread::get_id();
    std::atomic<bool> elsewhere = true;
    int answers = 0;
    auto work = boost::asio::make_work_guard(io);
    for (int i = 0; i < 100; ++i) {
        workers.run([&]() -> Task {
            if (std::this_thread::get_id() == here) elsewhere = false;
            return [&] {
                EXPECT_EQ(std::this_thread::get_id(), here);
                if (++answers == 100) work.reset();
            };
        });
    }
    io.run_for(10s);
    EXPECT_EQ(answers, 100);
    EXPECT_TRUE(elsewhere);
}

TEST_F(AsioLoopTest, WorkersEndWithJobsLeft) {
    std::atomic<int> begun = 0;
    {
        WorkerPool workers(loop, 1);
        for (int i = 0; i < 1000; ++i) {
            workers.run([&]() -> Task {
                ++begun;
                std::this_thread::sleep_for(1ms);
                return {};
            });
        }
    }
    EXPECT_LT(begun, 1000);
}

}  // namespace
}  // namespace packswarm::daemon
