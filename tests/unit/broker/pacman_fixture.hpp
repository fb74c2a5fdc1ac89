// A BookFixture with one pacman repository, "lab", on one made-up mirror, and somebody who asks for its files.
#pragma once

#include "tests/unit/broker/book_fixture.hpp"

namespace packswarm::test {

class PacmanFixture : public BookFixture {
  protected:
    static constexpr const char* signing_time = "20260701T100000";

    void use_lab(bool database_is_signed = true) {
        lab_.id = core::RepositoryId("pacman:lab:x86_64");
        lab_.suite = "lab";
        lab_.format = test::pacman();
        lab_.architectures = {"x86_64"};
        lab_.bases = {"http://lab"};
        lab_.keyring.files = {PaperKey::keyring_of(key_.fingerprint())};
        lab_.signed_database = database_is_signed;
        use({lab_});
    }
    static std::string sign(std::string_view bytes) { return key_.sign_detached(bytes, {.at = signing_time}); }
    // A new database arrives, as when pacman updates.
    void accept(const std::vector<PacmanPackage>& packages) {
        const auto database = pacman_database(packages);
        std::optional<Bytes> detached;
        if (lab_.signed_database) {
            const auto signature = sign(database);
            detached = Bytes(signature.begin(), signature.end());
        }
        std::optional<Result<std::shared_ptr<const broker::OpenedRoot>>> accepted;
        book().accept({lab_, Bytes(database.begin(), database.end()), detached}, {},
                      [&](auto answer) { accepted = std::move(answer); });
        loop_.drain();
        ASSERT_TRUE(accepted && *accepted) << (accepted ? accepted->error().message : "no answer");
    }
    struct Outcome {
        int delivered = 0, failed = 0, not_modified = 0;
        std::string bytes, error;
        ErrorKind kind{};  // of the error
        std::optional<WallTime> modified;
        double seconds = 0;
    };
    std::shared_ptr<Outcome> get(const std::string& file, broker::RequestId* id = nullptr,
                                 std::optional<WallTime> since = std::nullopt) {
        auto outcome = std::make_shared<Outcome>();
        broker::Request request;
        request.url = "http://lab/" + file;
        request.asker = "pacman";
        request.if_modified_since = since;
        request.terms.user_agent = user_agent_;
        broker::RequestEvents events;
        events.delivered = [this, outcome, began = loop_.now()](const broker::Delivered& delivered) {
            ++outcome->delivered;
            outcome->modified = delivered.modified;
            outcome->seconds = seconds_between(began, loop_.now());
            outcome->bytes.resize(static_cast<std::size_t>(delivered.size));
            ASSERT_TRUE(read_at(*delivered.bytes, 0, std::span(outcome->bytes)));
        };
        events.not_modified = [outcome] { ++outcome->not_modified; };
        events.failed = [outcome](const Error& error) {
            ++outcome->failed;
            outcome->error = error.message;
            outcome->kind = error.kind;
        };
        const auto made = broker_->get(std::move(request), std::move(events));
        if (id != nullptr) *id = made;
        return outcome;
    }

    core::Repository lab_;
    std::string user_agent_;  // of who asks
};

}  // namespace packswarm::test
