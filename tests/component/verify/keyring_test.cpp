#include "verify/keyring.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <latch>
#include <sstream>
#include <thread>

#include "tests/support/signed_repo.hpp"
#include "verify/gpg_context.hpp"
#include "verify/signature.hpp"

namespace packswarm::verify {
namespace {

namespace fs = std::filesystem;

class KeyringFiles : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        gpg = new test::GpgHome;
        first = gpg->make_key({.name = "first"});
        second = gpg->make_key({.name = "second"});
    }
    static void TearDownTestSuite() { delete gpg; }
    static std::vector<std::string> sorted(std::vector<std::string> keys) {
        std::sort(keys.begin(), keys.end());
        return keys;
    }
    fs::path put(const std::string& name, std::string_view content) const {
        test::write_file(folder.path() / name, content);
        return folder.path() / name;
    }

    inline static test::GpgHome* gpg = nullptr;
    inline static std::string first, second;
    test::TempDir folder;
};

TEST_F(KeyringFiles, AreReadBinaryArmoredAndAsKeybox) {
    const auto keybox = put("box.gpg", test::read_file(gpg->path() / "pubring.kbx"));
    EXPECT_EQ(Keyring::load({.files = {put("a.gpg", gpg->export_keys({first}))}})->primaries(), std::vector{first});
    EXPECT_EQ(Keyring::load({.files = {put("a.asc", gpg->export_keys({first}, true))}})->primaries(),
              std::vector{first});
    EXPECT_EQ(Keyring::load({.files = {keybox}})->primaries(), sorted({first, second}));
}

TEST_F(KeyringFiles, OfAFolderAreThoseNamedGpgAndAsc) {
    put("trusted/a.gpg", gpg->export_keys({first}));
    put("trusted/b.asc", gpg->export_keys({second}, true));
    put("trusted/readme.txt", "no key");
    const auto keyring = Keyring::load({.files = {folder.path() / "trusted"}});
    ASSERT_TRUE(keyring);
    EXPECT_EQ(keyring->primaries(), sorted({first, second}));
    EXPECT_TRUE(keyring->warnings().empty());
}

TEST_F(KeyringFiles, MayBeEmbeddedAsDeb822WritesThem) {
    std::string text = "\n";
    std::istringstream lines(gpg->export_keys({first}, true));
    for (std::string line; std::getline(lines, line);) text += " " + (line.empty() ? "." : line) + "\n";
    const auto keyring = Keyring::load({.embedded = {text}});
    ASSERT_TRUE(keyring) << keyring.error().message;
    EXPECT_EQ(keyring->primaries(), std::vector{first});
}

TEST_F(KeyringFiles, ThatAreMissingOrRubbishAreNamedAndLeftOut) {
    const auto good = put("a.gpg", gpg->export_keys({first}));
    const auto keyring = Keyring::load({.files = {folder.path() / "missing.gpg", put("rubbish.gpg", "rubbish"), good}});
    ASSERT_TRUE(keyring);
    EXPECT_EQ(keyring->primaries(), std::vector{first});
    ASSERT_EQ(keyring->warnings().size(), 2u);
    EXPECT_NE(keyring->warnings()[0].find("missing.gpg"), std::string::npos);
    EXPECT_NE(keyring->warnings()[1].find("rubbish.gpg"), std::string::npos);
}

TEST_F(KeyringFiles, WithoutAnyKeyAreRefusedWithTheReason) {
    const auto keyring = Keyring::load({.files = {folder.path() / "missing.gpg"}});
    ASSERT_FALSE(keyring);
    EXPECT_EQ(keyring.error().kind, ErrorKind::Refused);
    EXPECT_NE(keyring.error().message.find("missing.gpg"), std::string::npos);
    EXPECT_FALSE(Keyring::load({}));
}

TEST_F(KeyringFiles, OfAPacmanHomeKeepTheirTrustAndLeaveSecretsBehind) {
    test::GpgHome home;
    home.make_key({.name = "master"});
    home.import(gpg->export_keys({first, second}));
    home.sign_locally(first);
    const auto keyring = Keyring::load({.gnupg_home = home.path()});
    ASSERT_TRUE(keyring);
    EXPECT_FALSE(fs::exists(keyring->home() / "private-keys-v1.d"));
    const auto trusted = verify_detached(*keyring, as_bytes("x"), as_bytes(gpg->sign_detached("x", {first})));
    EXPECT_TRUE(trusted) << trusted.error().message;
    EXPECT_FALSE(verify_detached(*keyring, as_bytes("x"), as_bytes(gpg->sign_detached("x", {second}))));
}

std::vector<std::string> processes_naming(const std::string& text) {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator("/proc")) {
        std::string command = test::read_file(entry.path() / "cmdline");
        std::replace(command.begin(), command.end(), '\0', ' ');
        if (command.find(text) != std::string::npos) found.push_back(command);
    }
    return found;
}

TEST_F(KeyringFiles, LeaveNoHomeAndNoAgentBehind) {
    fs::path home;
    {
        const auto keyring = Keyring::load({.files = {put("a.gpg", gpg->export_keys({first}))}});
        ASSERT_TRUE(keyring);
        home = keyring->home();
        EXPECT_EQ(fs::status(home).permissions(), fs::perms::owner_all);
        EXPECT_TRUE(verify_detached(*keyring, as_bytes("x"), as_bytes(gpg->sign_detached("x", {first}))));
        EXPECT_EQ(processes_naming(home), std::vector<std::string>{});
    }
    EXPECT_FALSE(fs::exists(home));
}

TEST_F(KeyringFiles, AreReadAgainOnlyAfterAChange) {
    Keyrings keyrings;
    const core::KeyringSpec spec{.files = {put("a.gpg", gpg->export_keys({first}))}};
    const auto before = keyrings.get(spec);
    ASSERT_TRUE(before);
    EXPECT_EQ(keyrings.get(spec)->home(), before->home());
    put("a.gpg", gpg->export_keys({first, second}));
    EXPECT_EQ(keyrings.get(spec)->primaries(), sorted({first, second}));
}

TEST_F(KeyringFiles, OfAFolderAreReadAgainWhenAFileJoins) {
    Keyrings keyrings;
    put("trusted/a.gpg", gpg->export_keys({first}));
    const core::KeyringSpec spec{.files = {folder.path() / "trusted"}};
    EXPECT_EQ(keyrings.get(spec)->primaries().size(), 1u);
    put("trusted/b.gpg", gpg->export_keys({second}));
    EXPECT_EQ(keyrings.get(spec)->primaries().size(), 2u);
}

TEST_F(KeyringFiles, ServeTwoWorkersAtOnce) {
    Keyrings keyrings;
    const core::KeyringSpec spec{.files = {put("a.gpg", gpg->export_keys({first}))}};
    const auto signature = gpg->sign_detached("x", {first});
    std::array<int, 2> good{};
    std::latch both_done(
        2);  // GPGME forks, and the thread sanitizer takes a thread that has ended unjoined for a leak of each child
    const auto work = [&](int& count) {
        for (int i = 0; i < 5; ++i) {
            const auto keyring = keyrings.get(spec);
            count += keyring && verify_detached(*keyring, as_bytes("x"), as_bytes(signature)) ? 1 : 0;
        }
        both_done.arrive_and_wait();
    };
    std::thread other(work, std::ref(good[0]));
    work(good[1]);
    other.join();
    EXPECT_EQ(good[0] + good[1], 10);
}

std::size_t open_descriptors() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : fs::directory_iterator("/proc/self/fd")) ++count;
    return count;
}

// A gpg that answers GPGME's question for its version and then only says that it is busy; it ends when nobody listens
// any more.
constexpr std::string_view busy_gpg = R"(#!/bin/sh
case "$*" in *--version*) exec gpg --version;; esac
while [ "$1" != --status-fd ]; do shift; done
while eval "printf '[GNUPG:] PROGRESS busy ? 0 0\n' >&$2"; do sleep 0.05; done
)";

TEST_F(KeyringFiles, DoNotMakeUsWaitForAHangingGpg) {
    const auto program = put("gpg", busy_gpg);
    fs::permissions(program, fs::perms::owner_all);
    test::TempDir home;
    auto gpg_context = GpgContext::open(home.path(), program.c_str());
    ASSERT_TRUE(gpg_context) << gpg_context.error().message;
    const auto before = open_descriptors();
    const auto start = std::chrono::steady_clock::now();
    const auto data = gpg_data(as_bytes("x"));
    const auto ran =
        gpg_context->run([&](gpgme_ctx_t context) { return gpgme_op_import_start(context, data.get()); }, Millis(300));
    ASSERT_FALSE(ran);
    EXPECT_EQ(ran.error().kind, ErrorKind::Transient);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
    EXPECT_LE(open_descriptors(), before);
    const auto deadline = start + std::chrono::seconds(10);
    while (!processes_naming(program).empty() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_EQ(processes_naming(program), std::vector<std::string>{});
}

}  // namespace
}  // namespace packswarm::verify
