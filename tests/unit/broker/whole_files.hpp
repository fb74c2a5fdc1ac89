// What is expected of mirrors that send a file whole where a part of it was asked for, or parts that cannot be placed:
// each program that includes this says of which sizes.
#pragma once

#include <fmt/format.h>

#include "tests/unit/broker/broker_fixture.hpp"

namespace packswarm::broker {

using Parts = MirrorManner::Parts;

struct WholeFiles {
    Parts parts = Parts::none;
    std::size_t mib = 3;
};

class WholeFilesTest : public BrokerTest, public ::testing::WithParamInterface<WholeFiles> {
  protected:
    void SetUp() override {
        BrokerTest::SetUp();
        content_ = content_of(GetParam().mib << 20, 5);
        for (auto& [origin, one] : mirrors_.mirrors) one = {4e6, Millis(10), Fault::none, 4e6};
    }
    // These mirrors are all there are, and give what the parameter says.
    void only(std::initializer_list<const char*> origins) {
        core::Repository repository;
        repository.id = core::RepositoryId("repo");
        repository.format = test::debian();
        repository.suite = "stable";
        repository.architectures = {"amd64"};
        for (const char* origin : origins) {
            repository.bases.push_back(origin);
            mirrors_.mirrors[origin].parts = GetParam().parts;
        }
        broker_->book().set_repositories(core::RepositoryTable({repository}));
        loop_.drain();
    }
    // So many seconds more than the mirrors need for so many times the file.
    void expect_here(double times, double more_s, double rate) {
        const auto before = sent();
        const auto outcome = get("/pool/x.deb", content_);
        const double took = seconds_until({outcome}, Millis(600'000));
        EXPECT_EQ(outcome->delivered, 1) << outcome->error.message;
        EXPECT_TRUE(outcome->bytes == content_);
        EXPECT_LE(took, times * static_cast<double>(content_.size()) / rate + more_s);
        EXPECT_LE(static_cast<double>(sent() - before), times * static_cast<double>(content_.size()) + 1.2e6);
        for (const auto& [base, health] : broker_->sources().mirrors())
            EXPECT_EQ(health.corrupt + health.errors, 0) << base;
    }
    std::string content_;
};

TEST_P(WholeFilesTest, ALoneOneGivesAFileOnce) {
    only({"http://a"});
    expect_here(1.0, 0.5, 4e6);
}

TEST_P(WholeFilesTest, OfTwoOneGivesIt) {
    only({"http://a", "http://b"});
    expect_here(1.0, 1.0, 4e6);
}

TEST_P(WholeFilesTest, BesideOneThatGivesPartsItDoesNoHarm) {
    only({"http://a", "http://b"});
    mirrors_.mirrors["http://b"].parts = Parts::all;
    expect_here(1.5, 1.0, 4e6);
}

TEST_P(WholeFilesTest, SeveralFilesComeSideBySide) {
    only({"http://a"});
    std::vector<std::shared_ptr<Outcome>> outcomes;
    std::vector<std::string> contents;
    for (unsigned i = 0; i < 4; ++i) {
        contents.push_back(content_of(GetParam().mib << 18, 20 + i) + std::string(limits::mib, 'x'));
        outcomes.push_back(get("/pool/" + std::to_string(i) + ".deb", contents.back()));
    }
    seconds_until(outcomes, Millis(600'000));
    for (std::size_t i = 0; i < contents.size(); ++i)
        EXPECT_TRUE(outcomes[i]->bytes == contents[i]) << i << " " << outcomes[i]->error.message;
}

TEST_P(WholeFilesTest, AfterAnInterruptionItBeginsAgain) {
    only({"http://a"});
    get("/pool/x.deb", content_);
    loop_.advance_until([&] { return sent() > static_cast<ByteCount>(content_.size()) / 2; });
    broker_->cancel(asked_);
    loop_.drain();
    expect_here(1.0, 0.5, 4e6);
}

TEST_P(WholeFilesTest, TheOtherTakesOverFromOneThatFallsSilent) {
    only({"http://a", "http://b"});
    const auto outcome = get("/pool/x.deb", content_);
    loop_.advance_until([&] { return sent() > static_cast<ByteCount>(content_.size()) / 2; });
    auto& sender = mirrors_.sent["http://a"] > mirrors_.sent["http://b"] ? mirrors_.mirrors["http://a"]
                                                                         : mirrors_.mirrors["http://b"];
    sender.fault = Fault::silent;
    seconds_until({outcome}, Millis(600'000));
    EXPECT_TRUE(outcome->bytes == content_) << outcome->error.message;
}

TEST_P(WholeFilesTest, ALoneOneThatFallsSilentForGoodFailsTheRequest) {
    only({"http://a"});
    const auto outcome = get("/pool/x.deb", content_);
    loop_.advance_until([&] { return sent() > static_cast<ByteCount>(content_.size()) / 2; });
    mirrors_.mirrors["http://a"].fault = Fault::silent;
    EXPECT_LE(seconds_until({outcome}, Millis(600'000)), 25);
    EXPECT_EQ(outcome->failed, 1);
}

TEST_P(WholeFilesTest, ItIsAskedForPartsAgainAfterAWhile) {
    only({"http://a"});
    expect_here(1.0, 0.5, 4e6);
    mirrors_.mirrors["http://a"].parts = Parts::all;
    const auto ranges = [&] { return broker_->sources().mirrors().front().second.ranges; };
    EXPECT_FALSE(ranges());
    loop_.advance(Millis(11 * 60'000));
    const auto next = get("/pool/y.deb", content_of(3 * limits::mib, 6));
    seconds_until({next});
    EXPECT_EQ(next->delivered, 1);
    EXPECT_TRUE(ranges());
}

inline std::string name_of(const ::testing::TestParamInfo<WholeFiles>& one) {
    constexpr const char* words[] = {"AllParts", "PartsFromTheStart", "NoParts", "UnnamedParts"};
    return fmt::format("{}{}MiB", words[static_cast<int>(one.param.parts)], one.param.mib);
}

}  // namespace packswarm::broker
