#include "p2p/broker/desks/plain_desk.hpp"

#include "p2p/base/limits.hpp"
#include "tests/unit/broker/desk_fixture.hpp"

namespace packswarm::broker {
namespace {

class PlainDeskTest : public DeskFixture {
  protected:
    std::shared_ptr<Outcome> get(const std::string& path, const std::string& user = "user 1000") {
        auto request = request_of(path);
        request.user = user;
        const auto outcome = ask(request);
        serve(*outcome);
        return outcome;
    }
    void serve(const Outcome& outcome) {
        desk_->serve(outcome.id, reader_->read(askers_->at(outcome.id).request).value());
    }
    std::unique_ptr<PlainDesk> desk_;
    void SetUp() override {
        DeskFixture::SetUp();
        desk_ = std::make_unique<PlainDesk>(*context_, *book_, *reader_, *askers_, *graveyard_);
    }
};

TEST_F(PlainDeskTest, OneFetchServesAllWhoAskForTheSameFile) {
    mirrors_.files["/readme"] = "some text";
    const auto one = get("/readme"), two = get("/readme");
    loop_.advance(Millis(1000));
    EXPECT_EQ(one->bytes, "some text");
    EXPECT_EQ(two->bytes, "some text");
    EXPECT_EQ(mirrors_.asked["/readme"], 1);
    EXPECT_EQ(one->sources.at(0).kind, SourceKind::mirror);
    EXPECT_EQ(two->sources.at(0).kind, SourceKind::cache) << "the bytes were fetched once";
}

TEST_F(PlainDeskTest, WhoComesLaterIsGivenWhatHasComeFromItsFirstByteOn) {
    mirrors_.files["/large"] = std::string(3'000'000, 'x');
    const auto one = get("/large");
    loop_.advance(Millis(100));
    EXPECT_EQ(one->started, 1);
    const auto two = get("/large");
    EXPECT_EQ(two->started, 1);
    loop_.advance(Millis(5'000));
    EXPECT_EQ(two->bytes, mirrors_.files["/large"]);
}

TEST_F(PlainDeskTest, WhenAllHaveLeftTheFetchEnds) {
    mirrors_.files["/large"] = std::string(3'000'000, 'x');
    const auto one = get("/large"), two = get("/large");
    loop_.advance(Millis(100));
    for (const auto& outcome : {one, two}) {
        askers_->take(outcome->id);
        desk_->leave(outcome->id);
    }
    const auto sent = mirrors_.sent["http://a"];
    loop_.advance(Millis(5'000));
    EXPECT_EQ(mirrors_.sent["http://a"], sent);
    EXPECT_EQ(one->ends() + two->ends(), 0);
}

TEST_F(PlainDeskTest, WhoLeavesWhileItIsToldEndsTheFetchOfNobodyElse) {
    mirrors_.files["/large"] = std::string(3'000'000, 'x');
    auto id = RequestId::none;
    RequestEvents events;
    events.started = [&](const Started&) {
        askers_->take(id);
        desk_->leave(id);
    };
    id = askers_->add(request_of("/large"), std::move(events));
    desk_->serve(id, reader_->read(request_of("/large")).value());
    const auto other = get("/large");
    loop_.advance(Millis(5'000));
    EXPECT_EQ(other->delivered, 1);
    EXPECT_TRUE(askers_->is_empty());
}

TEST_F(PlainDeskTest, OneUsersFetchesWaitForEachOtherAndForNobodyElses) {
    std::vector<std::shared_ptr<Outcome>> all;
    for (std::size_t i = 0; i < limits::max_plain_fetches_per_user + 1; ++i) {
        const auto path = "/file" + std::to_string(i);
        mirrors_.files[path] = "text";
        all.push_back(get(path));
    }
    loop_.drain();
    EXPECT_EQ(mirrors_.urls.size(), limits::max_plain_fetches_per_user);
    mirrors_.files["/other"] = "text";
    all.push_back(get("/other", "user 1001"));
    loop_.drain();
    EXPECT_EQ(mirrors_.asked["/other"], 1);
    loop_.advance(Millis(5'000));
    for (const auto& one : all) EXPECT_EQ(one->delivered, 1);
}

TEST_F(PlainDeskTest, AMirrorsErrorIsTold) {
    const auto one = get("/missing");
    loop_.advance(Millis(5'000));
    EXPECT_EQ(one->failed, 1);
    EXPECT_EQ(one->error.kind, ErrorKind::Absent);
}

}  // namespace
}  // namespace packswarm::broker
