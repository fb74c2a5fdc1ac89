// A third format that no room knows: a signed list of digests, nothing else. Its root names lists, a list names files;
// each line is a digest, a size and a path. What it goes through here has no line of its own for it anywhere.
#include <charconv>

#include "tests/unit/broker/book_fixture.hpp"

namespace packswarm::test {
namespace {

constexpr std::string_view list_ending = ".toylist";
constexpr std::string_view root_name = "root.toy";

std::string line_of(const std::string& path, const std::string& content) {
    return sha256_hex(content) + " " + std::to_string(content.size()) + " " + path + "\n";
}

Result<std::vector<core::IndexEntry>> entries_of(std::string_view text) {
    std::vector<core::IndexEntry> out;
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        const auto size_at = line.find(' '), path_at = line.find(' ', size_at + 1);
        core::IndexEntry entry;
        const auto digest = Digest::parse(line.substr(0, size_at));
        if (!digest || path_at == std::string_view::npos) return fail(ErrorKind::Corrupt, "an odd line");
        std::from_chars(line.data() + size_at + 1, line.data() + path_at, entry.size);
        entry.digest = *digest;
        entry.path = entry.name = line.substr(path_at + 1);
        out.push_back(std::move(entry));
    }
    return out;
}

class ToyRules final : public core::FormatRules {
  public:
    ToyRules() { habits_.root_carries_signature = true; }
    std::string_view name() const override { return "toy"; }
    const core::Habits& habits() const override { return habits_; }
    std::vector<std::string> root_paths(const core::Repository&) const override { return {std::string(root_name)}; }
    std::string index_folder(const core::Repository&) const override { return {}; }
    std::string root_signature(const core::Repository&, const std::string&) const override { return {}; }
    std::optional<std::string> root_signed_at(const core::Repository&, const std::string&) const override {
        return std::nullopt;
    }
    std::string package_signature(const std::string&) const override { return {}; }
    std::optional<std::string> package_signed_at(const std::string&) const override { return std::nullopt; }
    core::PathKind classify(std::string_view path) const override {
        if (path == root_name) return core::PathKind::root;
        return is_package_list(path) ? core::PathKind::index : core::PathKind::package;
    }
    bool is_package_list(std::string_view path) const override { return path.ends_with(list_ending); }
    std::vector<core::ListForms> package_lists(const core::Repository&, const core::IndexRoot& root) const override {
        std::vector<core::ListForms> out;
        for (const auto& file : root.files) out.push_back({{file}, file});
        return out;
    }
    std::optional<core::GatewayFile> at_gateway(std::string_view path) const override {
        if (!path.starts_with("/toys/")) return std::nullopt;
        return core::GatewayFile{"toys", "any", std::string(path.substr(6)), "", "toy"};
    }
    std::string_view gateway_example() const override { return "/toys/FILE"; }
    bool is_usual_client(std::string_view) const override { return false; }

    Result<core::IndexRoot> open_root(core::Signatures& signatures, const core::Repository& repository, ByteView root,
                                      std::optional<ByteView>) const override {
        auto text = signatures.clearsigned(repository.keyring, root);
        if (!text) return tl::unexpected(text.error());
        auto files = entries_of(text->text);
        if (!files) return tl::unexpected(files.error());
        core::IndexRoot out;
        out.is_signed = true;
        out.signers = text->signers.primaries;
        out.date = text->signers.signed_at;
        out.suite = repository.suite;
        out.files = std::move(*files);
        return out;
    }
    Result<core::PackageList> read_list(const FileHandle& file, ByteCount size, std::string_view) const override {
        std::string text(static_cast<std::size_t>(size), '\0');
        if (auto got = read_at(file, 0, std::span(text)); !got) return tl::unexpected(got.error());
        auto entries = entries_of(text);
        if (!entries) return tl::unexpected(entries.error());
        return core::PackageList{std::move(*entries), {}};
    }
    Result<core::PackageList> read_kept_list(const FileHandle&, const core::IndexEntry&) const override {
        return fail(ErrorKind::Absent, "nobody keeps lists of toys");
    }
    Result<void> check_package(core::Signatures&, const FileHandle&, ByteCount, ByteView, const core::KeyringSpec&,
                               const core::IndexEntry&) const override {
        return fail(ErrorKind::Refused, "toys are not signed");
    }
    std::string machine_architecture() const override { return "any"; }
    core::PublicNames public_names() const override { return {}; }

  private:
    core::Habits habits_;
};

core::Format toy() {
    static const ToyRules rules;
    return core::Format(rules);
}

class ToyFormat : public BookFixture {
  protected:
    void SetUp() override {
        BookFixture::SetUp();
        toys_ = repository("toys", core::Sharing::allowed);
        toys_.format = toy();
        toys_.components = {};
        toys_.architectures = {"any"};
        list_ = line_of("a/bear", bear_) + line_of("b/ball", ball_);
        mirrors_.files["/all.toylist"] = list_;
        mirrors_.files["/a/bear"] = bear_;
        mirrors_.files["/b/ball"] = ball_;
        mirrors_.files["/root.toy"] = key_.clearsign(line_of("all.toylist", list_), {.at = "20260701T100000"});
        use({toys_});
    }

    // What the agent gives to who knows nothing but the address.
    std::string get(const std::string& path) {
        broker::Request request;
        request.url = "http://toys/" + path;
        request.asker = "toy";
        auto got = std::make_shared<std::string>("nothing");
        broker::RequestEvents events;
        events.delivered = [got](const broker::Delivered& delivered) {
            got->resize(static_cast<std::size_t>(delivered.size));
            ASSERT_TRUE(read_at(*delivered.bytes, 0, std::span(*got)));
        };
        events.not_modified = [got] { *got = "not modified"; };
        events.failed = [got](const Error& error) { *got = error.message; };
        broker_->get(std::move(request), std::move(events));
        loop_.advance_until([&] { return *got != "nothing"; }, Millis(60'000));
        settle();
        return *got;
    }

    core::Repository toys_;
    const std::string bear_ = "a bear of many bytes", ball_ = "a ball";
    std::string list_;
};

TEST_F(ToyFormat, GoesFromARequestForItsRootToAFileThatPeersAreOffered) {
    EXPECT_EQ(get("root.toy"), mirrors_.files["/root.toy"]);
    EXPECT_EQ(book().state_of(core::RepositoryId("toys")).standing, broker::RepositoryState::Standing::verified);
    EXPECT_TRUE(peers_.swarms().contains(core::Lineage::parse("toy/" + key_.fingerprint() + "/toys/any").value()))
        << "where its agents meet";
    EXPECT_FALSE(book().catalog().find(core::RepositoryId("toys"), "a/bear")) << "the root alone vouches for no toy";

    EXPECT_EQ(get("all.toylist"), list_);
    ASSERT_TRUE(book().catalog().find(core::RepositoryId("toys"), "a/bear"));
    EXPECT_TRUE(shelf_has(list_));

    EXPECT_EQ(get("a/bear"), bear_);
    EXPECT_TRUE(vault_->find(digest_of(bear_))) << "it is stored";
    EXPECT_TRUE(shelf_has(bear_)) << "and offered";
    EXPECT_FALSE(shelf_has(ball_)) << "which nobody has asked for";
    mirrors_.mirrors["http://toys"].fault = MirrorManner::Fault::refused_connection;
    EXPECT_EQ(get("a/bear"), bear_) << "from the store";
}

TEST_F(ToyFormat, GetsAListThatNobodyAskedForAndKnowsWhatItNames) {
    broker_->book().set_missing([this](const core::Repository& repository, const broker::MissingIndex& missing) {
        broker_->missing().want(repository, missing);
    });
    get("root.toy");
    loop_.advance(Millis(20'000));
    EXPECT_EQ(mirrors_.asked["/all.toylist"], 1);
    EXPECT_TRUE(book().catalog().find(core::RepositoryId("toys"), "b/ball"));
}

TEST_F(ToyFormat, GivesNoByteThatItsListDoesNotNameAndOffersNoneToPeers) {
    get("root.toy");
    get("all.toylist");
    mirrors_.files["/b/ball"] = "a bomb";
    EXPECT_NE(get("b/ball"), "a bomb");
    EXPECT_FALSE(shelf_has("a bomb"));
}

TEST_F(ToyFormat, ARootThatSomebodyElseSignedIsNotBelieved) {
    const PaperKey stranger("000000000000000000000000000000000000CAFE");
    mirrors_.files["/root.toy"] = stranger.clearsign(line_of("all.toylist", list_), {.at = "20260701T100000"});
    get("root.toy");
    EXPECT_EQ(book().state_of(core::RepositoryId("toys")).standing, broker::RepositoryState::Standing::refused);
    EXPECT_FALSE(book().catalog().find(core::RepositoryId("toys"), "all.toylist"));
}

TEST_F(ToyFormat, IsFoundAtTheGatewaysOwnAddress) {
    const auto file = toy()->at_gateway("/toys/a/bear");
    ASSERT_TRUE(file);
    EXPECT_EQ(broker_->gateway_address(toy(), *file, file->path), "http://toys/a/bear");
    EXPECT_EQ(broker_->gateway_address(debian(), *file, file->path), std::nullopt) << "of another format";
}

}  // namespace
}  // namespace packswarm::test
