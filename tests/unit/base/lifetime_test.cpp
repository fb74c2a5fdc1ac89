#include "p2p/base/lifetime.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace packswarm {
namespace {

struct Asker {
    explicit Asker(std::vector<std::string>& heard) : heard_(heard) {}
    std::function<void(std::string)> answer() {
        return lifetime_.guard([this](std::string text) { heard_.push_back(std::move(text)); });
    }
    Lifetime::View view() const { return lifetime_.view(); }
    void end() { lifetime_.end(); }

  private:
    std::vector<std::string>& heard_;
    Lifetime lifetime_;
};

TEST(Lifetime, AnAnswerInTimeIsHeard) {
    std::vector<std::string> heard;
    Asker asker(heard);
    asker.answer()("one");
    EXPECT_EQ(heard, std::vector<std::string>{"one"});
}

TEST(Lifetime, AnAnswerAfterItsAskerIsHeardByNobody) {
    std::vector<std::string> heard;
    std::function<void(std::string)> late;
    {
        Asker asker(heard);
        late = asker.answer();
    }
    late("too late");
    EXPECT_TRUE(heard.empty());
}

TEST(Lifetime, AnObjectMayEndBeforeItsDestructor) {
    std::vector<std::string> heard;
    Asker asker(heard);
    const auto view = asker.view();
    EXPECT_TRUE(view);
    asker.end();
    asker.answer()("too late");
    EXPECT_TRUE(heard.empty());
    EXPECT_FALSE(view);
}

TEST(Lifetime, WhatIsGuardedMayKeepStateBetweenItsCalls) {
    Lifetime lifetime;
    int last = 0;
    const auto count = lifetime.guard([times = 0, &last]() mutable { last = ++times; });
    count();
    count();
    EXPECT_EQ(last, 2);
}

}  // namespace
}  // namespace packswarm
