// A vault in a folder of its own, with the loop and the workers in the test's hands.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include "p2p/broker/ports/ledger.hpp"
#include "p2p/store/vault.hpp"
#include "tests/support/lineages.hpp"
#include "tests/support/test_loop.hpp"
#include "verify/file_prover.hpp"
#include "verify/file_verifier.hpp"
#include "verify/hasher.hpp"

namespace packswarm::store {

class Folder {
  public:
    explicit Folder(const std::filesystem::path& parent = std::filesystem::temp_directory_path()) {
        std::string name = (parent / "packswarm-store.XXXXXX").string();
        path_ = ::mkdtemp(name.data());
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Folder(const Folder&) = delete;
    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

using test::lineage_of;

inline Digest digest_of(const std::string& content) { return verify::digest_of(as_bytes(content)); }

inline std::string content_of(const StoredFile& file) {
    std::string out(static_cast<std::size_t>(file.size()), '\0');
    const auto got = read_at(file.handle(), 0, out);
    return got && *got == out.size() ? out : "<unreadable>";
}

inline std::string text_of(const std::filesystem::path& path) {
    return read_text(path, 1 << 24).value_or("<unreadable>");
}

inline void write_text(const std::filesystem::path& path, const std::string& text) {
    ASSERT_TRUE(replace_file(path, as_bytes(text)));
}

// count bytes that differ from seed to seed.
inline std::string filler(std::size_t count, unsigned seed) {
    std::string out(count, '\0');
    std::uint32_t state = seed * 2654435761u + 1;
    for (char& c : out) c = static_cast<char>((state = state * 1664525u + 1013904223u) >> 24);
    return out;
}

// Of a ledger without workers: it answers within the call.
inline Result<void> raise_floor(broker::Ledger& ledger, const broker::Floor& floor) {
    Result<void> out = fail(ErrorKind::Broken, "never answered");
    ledger.raise_floors({floor}, [&out](Result<void> raised) { out = std::move(raised); });
    return out;
}

inline std::size_t files_below(const std::filesystem::path& folder) {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) count += entry.is_regular_file();
    return count;
}

class VaultTest : public ::testing::Test {
  protected:
    void SetUp() override { open(); }

    void open() {
        vault.reset();
        loop.drain();
        auto opened = Vault::open(settings(), loop, loop);
        ASSERT_TRUE(opened) << opened.error().message;
        vault = std::move(*opened);
    }
    VaultSettings settings() const { return {root / "store", quota, reserve, {}}; }

    std::optional<VerifiedFile> verified(const std::string& content) {
        auto staged = vault->stage(static_cast<ByteCount>(content.size()));
        if (!staged || !staged->write(0, as_bytes(content))) return std::nullopt;
        auto file = verify::FileVerifier::check_all(*staged, digest_of(content));
        if (!file) return std::nullopt;
        return *file;
    }
    Result<StoredFile> publish(const std::string& content, broker::ArtifactRecord record = {}) {
        auto file = verified(content);
        if (!file) return fail(ErrorKind::Refused, "not staged");
        return publish(std::move(*file), std::move(record));
    }
    Result<StoredFile> publish(VerifiedFile file, broker::ArtifactRecord record = {}) {
        std::optional<Result<StoredFile>> answer;
        vault->publish(std::move(file), std::move(record),
                       [&](Result<StoredFile> stored) { answer = std::move(stored); });
        EXPECT_FALSE(answer) << "called back inside the call";
        loop.drain();
        return answer ? *answer : fail(ErrorKind::Broken, "never answered");
    }
    // As whoever asks gets it: hashed first where this start has not yet.
    std::optional<StoredFile> find(const Digest& digest) {
        if (auto found = vault->find(digest)) return found;
        const auto kept = vault->kept(digest);
        if (!kept) return std::nullopt;
        verify::FileProver prover(*kept, {});
        EXPECT_TRUE(prover.go_on(kept->size()));
        const auto proven = prover.finish();
        return proven && vault->take_proof(*proven) ? vault->find(digest) : std::nullopt;
    }
    std::filesystem::path path_of(const std::string& content) const {
        const auto hex = digest_of(content).hex();
        return root / "store" / "files" / hex.substr(0, 2) / hex;
    }

    Folder folder;
    std::filesystem::path root = folder.path();
    ByteCount quota = 100 << 20;
    ByteCount reserve = 0;
    test::FakeLoop loop;
    std::unique_ptr<Vault> vault;
};

}  // namespace packswarm::store
