// The real broker, index book, store, ledger and verification under a virtual clock; peers only remember what they were
// told. Repositories are signed on paper.
#pragma once

#include <gtest/gtest.h>

#include "p2p/broker/broker.hpp"
#include "p2p/store/ledger.hpp"
#include "p2p/store/vault.hpp"
#include "tests/support/fake_mirrors.hpp"
#include "tests/support/formats.hpp"
#include "tests/support/recording_peers.hpp"
#include "tests/support/test_loop.hpp"
#include "tests/unit/broker/paper_trust.hpp"
#include "verify/file_verifier.hpp"
#include "verify/hasher.hpp"

namespace packswarm::test {

using Pool = std::map<std::string, std::string>;  // path -> content

class BookFixture : public ::testing::Test {
  protected:
    void SetUp() override {
        ledger_ = std::move(*store::Ledger::open({folder_.path()}));
        store::VaultSettings settings;
        settings.folder = folder_.path();
        settings.reserve = 0;
        vault_ = std::move(*store::Vault::open(std::move(settings), loop_, loop_));
        broker_ = std::make_unique<broker::Broker>(loop_, mirrors_, peers_, *vault_, *ledger_, trust_,
                                                   broker::BrokerSettings{Millis(0), true, formats::all()});
    }
    broker::IndexBook& book() { return broker_->book(); }

    static Digest digest_of(const std::string& content) { return verify::digest_of(as_bytes(content)); }

    core::Repository repository(const std::string& suite, core::Sharing sharing) const {
        core::Repository out;
        out.id = core::RepositoryId(suite);
        out.format = debian();
        out.suite = suite;
        out.components = {"main"};
        out.architectures = {"amd64"};
        out.bases = {"http://" + suite};
        out.keyring.files = {PaperKey::keyring_of(key_.fingerprint())};
        out.sharing = sharing;
        return out;
    }
    void use(std::vector<core::Repository> repositories) {
        for (const auto& one : repositories) mirrors_.mirrors[one.bases.front()];
        book().set_repositories(core::RepositoryTable(std::move(repositories)));
        loop_.drain();
    }
    // A new index of the suite arrives, as when the package manager updates; day: of July 2026.
    void update(const std::string& suite, const Pool& pool, int day = 1) {
        std::string packages;
        for (const auto& [path, content] : pool)
            packages += packages_stanza("p" + sha256_hex(path).substr(0, 12), "1", path, content);
        ReleaseOptions options;
        options.suite = options.codename = suite;
        constexpr const char* weekdays[] = {"Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Mon"};
        options.date = fmt::format("{}, {:02} Jul 2026 10:00:00 UTC", weekdays[day % 7], day);
        const auto release = key_.clearsign(release_text({{"main/binary-amd64/Packages", packages}}, options));
        std::optional<Result<std::shared_ptr<const broker::OpenedRoot>>> accepted;
        book().accept({*book().table().find(core::RepositoryId(suite)), Bytes(release.begin(), release.end()), {}}, {},
                      [&](auto answer) { accepted = std::move(answer); });
        loop_.drain();
        ASSERT_TRUE(accepted && *accepted) << (accepted ? accepted->error().message : "no answer");
        keep(packages, "Packages");
    }
    // Publishes content the way a finished download is published.
    void keep(const std::string& content, const std::string& name) {
        const auto staged = vault_->stage(static_cast<ByteCount>(content.size())).value();
        ASSERT_TRUE(staged.write(0, as_bytes(content)));
        broker_->publish(verify::FileVerifier::check_all(staged, digest_of(content)).value(), name, {},
                         [](Result<StoredFile> stored) { ASSERT_TRUE(stored); });
        loop_.drain();
    }
    void settle() { loop_.advance(Millis(100)); }
    bool shelf_has(const std::string& content) const { return peers_.shelf.count(digest_of(content)) == 1; }

    static inline const PaperKey key_{};
    TempDir folder_;
    FakeLoop loop_;
    FakeMirrors mirrors_{loop_};
    RecordingPeers peers_;
    PaperTrust trust_{loop_};
    std::unique_ptr<store::Ledger> ledger_;
    std::unique_ptr<store::Vault> vault_;
    std::unique_ptr<broker::Broker> broker_;
};

}  // namespace packswarm::test
