// Probe: one fetch and everything that was heard of it. Client: a MirrorClient on a real loop.
#pragma once

#include <gtest/gtest.h>

#include <deque>

#include "p2p/web/mirror_client.hpp"
#include "tests/support/test_loop.hpp"

namespace packswarm::test {

struct Probe {
    broker::FetchId id = broker::FetchId::none;
    std::optional<broker::MirrorHead> head;
    std::string body;  // what came, in order
    std::optional<ByteCount> first_offset;
    int chunks = 0;
    int events_after_done = 0;
    std::optional<Result<void>> done;

    bool finished() const { return done.has_value(); }
    bool ok() const { return done && done->has_value(); }
    std::string error() const {
        return done && !*done ? std::string(to_string(done->error().kind)) + ": " + done->error().message : "";
    }
    std::optional<ErrorKind> kind() const { return done && !*done ? std::optional(done->error().kind) : std::nullopt; }

    broker::MirrorEvents events() {
        broker::MirrorEvents out;
        out.head = [this](const broker::MirrorHead& got) {
            events_after_done += finished();
            EXPECT_FALSE(head) << "a second head";
            EXPECT_EQ(chunks, 0) << "data before the head";
            head = got;
        };
        out.data = [this](ByteCount offset, Bytes bytes) {
            events_after_done += finished();
            if (!first_offset) first_offset = offset;
            EXPECT_EQ(offset, *first_offset + static_cast<ByteCount>(body.size())) << "out of order";
            body.append(bytes.data(), bytes.size());
            ++chunks;
        };
        out.done = [this](Result<void> result) {
            events_after_done += finished();
            done = std::move(result);
        };
        return out;
    }
};

class ClientTest : public ::testing::Test {
  protected:
    web::MirrorClient& client() {
        if (!client_) client_ = std::make_unique<web::MirrorClient>(loop_, settings_);
        return *client_;
    }
    static broker::MirrorRequest request(const std::string& url) {
        broker::MirrorRequest out;
        out.url = url;
        out.max_bytes = limits::gib;
        return out;
    }
    Probe& start(broker::MirrorRequest asked) {
        auto& probe = probes_.emplace_back();
        probe.id = client().start(std::move(asked), probe.events());
        return probe;
    }
    Probe& fetch(broker::MirrorRequest asked) {
        auto& probe = start(std::move(asked));
        EXPECT_TRUE(loop_.run_until([&] { return probe.finished(); })) << "no answer in time";
        EXPECT_EQ(probe.events_after_done, 0);
        return probe;
    }
    Probe& fetch(const std::string& url) { return fetch(request(url)); }

    TestLoop loop_;
    web::HttpSettings settings_;
    std::deque<Probe> probes_;  // outlive the client, whose events refer to them
    std::unique_ptr<web::MirrorClient> client_;
};

// Text of any length whose every part tells where it is from.
inline std::string numbered(std::size_t length) {
    std::string out;
    out.reserve(length + 8);
    for (unsigned i = 0; out.size() < length; ++i) {
        out += std::to_string(i * 2654435761u);
        out += ',';
    }
    out.resize(length);
    return out;
}

}  // namespace packswarm::test
