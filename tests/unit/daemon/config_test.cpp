#include "p2p/daemon/config.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "p2p/base/limits.hpp"
#include "p2p/daemon/apt_lists.hpp"
#include "p2p/daemon/apt_settings.hpp"
#include "p2p/daemon/learned.hpp"
#include "p2p/daemon/option_pages.hpp"
#include "p2p/daemon/repositories.hpp"
#include "tests/support/formats.hpp"
#include "tests/support/nginx.hpp"
#include "tests/support/signed_repo.hpp"

namespace packswarm::daemon {
namespace {

TEST(Config, TheDefaultFileIsReadableAndChangesNothing) {
    const auto config = parse_config(default_file(), "default");
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->store.quota, Config{}.store.quota);
    EXPECT_TRUE(config->repositories.empty());
}

// Uncommented, every line of the printed file must be accepted and give the default again.
TEST(Config, EveryPrintedOptionIsAcceptedAsPrinted) {
    std::string text = default_file();
    for (auto at = text.find("\n#"); at != std::string::npos; at = text.find("\n#", at + 1))
        if (text[at + 2] != ' ') text.erase(at + 1, 1);
    const auto config = parse_config(text, "uncommented");
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->listening.swarm, Config{}.listening.swarm);
    EXPECT_EQ(config->publics.keyrings, Config{}.publics.keyrings);
    EXPECT_EQ(config->repositories.size(), 1u);
}

TEST(Config, NamesTheLineAndTheRemedyOfAMistake) {
    const auto unknown = parse_config("\n[swarm]\nlisten_on = \"x\"\n", "f");
    ASSERT_FALSE(unknown);
    EXPECT_NE(unknown.error().message.find("line 3"), std::string::npos) << unknown.error().message;
    EXPECT_NE(unknown.error().message.find("swarm.listen_on"), std::string::npos);
    EXPECT_NE(unknown.error().message.find("--print-config"), std::string::npos);
    for (const char* bad :
         {"[store]\nquota = true", "[store]\nquota = \"much\"", "[store]\nquota = 5", "[swarm]\npeers = \"a\"",
          "[swarm]\npeers = [1]", "x = [", "[[repository]]\nsuite = \"s\"",
          "[[repository]]\nformat = \"rpm\"\nsuite = \"s\"\nmirrors = [\"http://a\"]", "repository = 3",
          "[sharing]\nnot_on_networks = [\"wlan0\"]", "[sharing]\nnot_on_networks = [\"10.0.0.0/40\"]"})
        EXPECT_FALSE(parse_config(bad, "f")) << bad;
}

TEST(Config, ReadsSizesWithUnits) {
    EXPECT_EQ(parse_size("10 GiB").value(), 10 * limits::gib);
    EXPECT_EQ(parse_size("512M").value(), 512 * limits::mib);
    EXPECT_EQ(parse_size("7").value(), 7);
    for (const char* bad : {"", "GiB", "1 XB", "99999999999 TiB", "-1"}) EXPECT_FALSE(parse_size(bad)) << bad;
}

TEST(Config, TheCommandLineSetsWhatTheFileSets) {
    Config config;
    ASSERT_TRUE(set_option(config, "swarm.peers", "a:1,b:2"));
    EXPECT_EQ(config.swarm.static_peers, (std::vector<std::string>{"a:1", "b:2"}));
    ASSERT_TRUE(set_option(config, "store.quota", "1 GiB"));
    EXPECT_EQ(config.store.quota, limits::gib);
    EXPECT_FALSE(set_option(config, "swarm.enabled", "maybe"));
    EXPECT_FALSE(set_option(config, "no.such", "x"));
}

TEST(Sources, OneLineAndDeb822SourcesGiveTheSameRepository) {
    Learned one, two;
    parse_one_line_sources(
        "# c\ndeb-src http://m/debian stable main\ndeb [arch=amd64 signed-by=/k.gpg] http://m/debian/ stable main "
        "contrib # x\n",
        "/etc/apt", one);
    parse_deb822_sources(
        "Types: deb deb-src\nURIs: http://m/debian\nSuites: stable\nComponents: main contrib\nArchitectures: "
        "amd64\nSigned-By: /k.gpg\n",
        "/etc/apt", two);
    ASSERT_EQ(one.repositories.size(), 1u);
    ASSERT_EQ(two.repositories.size(), 1u);
    EXPECT_EQ(one.repositories[0].bases, two.repositories[0].bases);
    EXPECT_EQ(one.repositories[0].keyring, two.repositories[0].keyring);
    EXPECT_EQ(one.repositories[0].components, two.repositories[0].components);
    EXPECT_EQ(one.repositories[0].keyring.files, std::vector<std::string>{"/k.gpg"});
}

TEST(Sources, EmbeddedKeysDisabledStanzasAndPasswordsAreUnderstood) {
    Learned out;
    parse_deb822_sources(
        "Types: deb\nURIs: http://a/x http://user:pw@b/x cdrom:[x]/\nSuites: s1 s2\nComponents: main\nSigned-By:\n "
        "-----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n\n"
        "Types: deb\nURIs: http://c/\nSuites: s\nEnabled: no\n",
        "/etc/apt", out);
    ASSERT_EQ(out.repositories.size(), 2u);
    EXPECT_EQ(out.repositories[0].bases, std::vector<std::string>{"http://a/x"});
    EXPECT_NE(out.repositories[0].keyring.embedded.at(0).find("KEY BLOCK-----\n\nabc"), std::string::npos);
    EXPECT_EQ(out.warnings.size(), 2u);
    for (const auto& warning : out.warnings) EXPECT_EQ(warning.find("pw"), std::string::npos);
}

// apt-pkg/contrib/strutl.cc, URItoFileName.
TEST(Sources, AptsCopiesOfRootsAreFoundUnderAptsNamesAndSayWhichRepositoryItIs) {
    EXPECT_EQ(apt_list_name("http://127.0.0.1:8080/a~b/dists/s%20t/InRelease"),
              "127.0.0.1:8080_a%7eb_dists_s%2520t_InRelease");
    const test::TempDir folder;
    core::Repository repository;
    repository.format = test::debian();
    repository.suite = "stable";
    repository.bases = {"http://other/debian", "http://m/debian"};
    EXPECT_FALSE(find_own_copy(repository, folder.path()));
    const std::string text = "Origin: O\nLabel: L\nCodename: c\nDate: Sat, 11 Jul 2026 10:16:37 UTC\nSHA256:\n";
    test::write_file(folder.path() / "m_debian_dists_stable_Release", text);
    const auto copy = find_own_copy(repository, folder.path());
    ASSERT_TRUE(copy);
    test::write_file(folder.path() / "m_debian_dists_stable_InRelease",
                     "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n" + text +
                         "-----BEGIN PGP SIGNATURE-----\n\nx\n-----END PGP SIGNATURE-----\n");
    test::write_file(folder.path() / "m_debian_dists_stable_Release", "nonsense");
    const auto signed_copy = find_own_copy(repository, folder.path());
    ASSERT_TRUE(signed_copy);
    EXPECT_EQ(signed_copy->product, copy->product);
    EXPECT_EQ(signed_copy->mark, copy->mark) << "one content in two forms";
}

TEST(Sources, TheNameOfARepositoryIsAnotherOneForEveryGroupOfBases) {
    Config config;
    config.sources.apt = config.sources.pacman = false;
    RepositoryConfig repository;
    repository.suite = "s";
    const auto name = [&](std::vector<std::string> mirrors) {
        repository.mirrors = std::move(mirrors);
        config.repositories = {repository};
        return gather_repositories(config).table.all().at(0).id;
    };
    EXPECT_EQ(name({"http://a", "http://b"}), name({"http://b", "http://a/"}));
    EXPECT_NE(name({"http://a"}), name({"http://b"}));
}

TEST(Sources, AnAddressWithAPasswordIsNeverARepository) {
    Config config;
    config.sources.apt = config.sources.pacman = false;
    RepositoryConfig repository;
    repository.suite = "s";
    repository.mirrors = {"http://user:secret@m/debian"};
    config.repositories = {repository};
    const auto gathered = gather_repositories(config);
    EXPECT_TRUE(gathered.table.all().empty());
    ASSERT_EQ(gathered.warnings.size(), 1u);
    EXPECT_EQ(gathered.warnings[0].find("secret"), std::string::npos);
}

// pacman.conf(5): words of a repository come behind those of [options]; the built-in default is Optional.
TEST(Learned, PackagesNeedSignaturesAsSigLevelSays) {
    const auto file = std::filesystem::path(testing::TempDir()) / "siglevel.conf";
    const auto level_of = [&](const std::string& options, const std::string& section) {
        std::ofstream(file) << "[options]\nArchitecture = x86_64\n"
                            << options << "\n[own]\n"
                            << section << "\nServer = http://m.example/$repo\n";
        const auto learned = learn_from_pacman(file);
        return learned.repositories.at(0);
    };
    using enum core::PackageSignatures;
    const std::string stock = "SigLevel = Required DatabaseOptional";
    EXPECT_EQ(level_of(stock, "").package_signatures, demanded);
    EXPECT_FALSE(level_of(stock, "").signed_database);
    EXPECT_TRUE(level_of("SigLevel = Required", "").signed_database);
    EXPECT_TRUE(level_of("SigLevel = Optional\nSigLevel = DatabaseRequired", "").signed_database);
    for (const char* none : {"SigLevel = Optional TrustAll", "SigLevel = Never", "SigLevel = PackageOptional",
                             "SigLevel = PackageNever", "SigLevel = Required\nSigLevel = Optional"})
        EXPECT_EQ(level_of(stock, none).package_signatures, not_demanded) << none;
    EXPECT_EQ(level_of("SigLevel = Never", "SigLevel = PackageRequired").package_signatures, demanded);
    EXPECT_EQ(level_of("", "").package_signatures, not_demanded);
    EXPECT_FALSE(level_of("", "").signed_database);
}

TEST(Config, SaysWhetherPackagesAreSigned) {
    const auto level_of = [](const std::string& lines) {
        const auto config = parse_config(
            "[sources]\napt = false\npacman = false\n[[repository]]\nformat = \"pacman\"\nsuite = \"own\"\nmirrors = "
            "[\"http://m.example/own\"]\n" +
                lines,
            "f");
        return gather_repositories(config.value()).table.all().at(0).package_signatures;
    };
    EXPECT_EQ(level_of(""), core::PackageSignatures::demanded);
    EXPECT_EQ(level_of("signed_database = false"), core::PackageSignatures::as_found);
    EXPECT_EQ(level_of("signed_database = false\nsigned_packages = true"), core::PackageSignatures::demanded);
    EXPECT_EQ(level_of("signed_packages = false"), core::PackageSignatures::not_demanded);
}

TEST(Sources, TheRootMayLieElsewhere) {
    Learned out;
    parse_one_line_sources(
        "deb [inrelease-path=by-day/1/InRelease] http://a/x s main\ndeb [inrelease-path=../../InRelease] http://b/x s "
        "main\n"
        "deb http://a/x s main\n",
        "/etc/apt", out);
    parse_deb822_sources("Types: deb\nURIs: http://c/x\nSuites: ./\nInRelease-Path: a%2Bb/In\n", "/etc/apt", out);
    ASSERT_EQ(out.repositories.size(), 4u);
    EXPECT_EQ(core::root_path(out.repositories[0]), "dists/s/by-day/1/InRelease");
    EXPECT_EQ(core::index_folder(out.repositories[0]), "dists/s/");
    EXPECT_EQ(core::root_path(out.repositories[1]), "dists/s/InRelease") << "nothing leads out of its folder";
    EXPECT_EQ(core::root_path(out.repositories[3]), "a+b/In");
    EXPECT_EQ(core::stand_together(out.repositories).size(), 4u) << "two places are two repositories";
}

TEST(Sources, WhatAptAsksThroughAProxyIsLeftToApt) {
    const auto rules =
        AptSettings::parse(
            "Acquire::http::Proxy=http://proxy.example:3128\nAcquire::http::Proxy::a=DIRECT\nAcquire::https::Proxy=\n"
            "Acquire::https::Proxy::c=false\nAcquire::http::Proxy-Auto-Detect=/bin/find-proxy\n")
            .proxy_rules();
    EXPECT_FALSE(rules.is_proxied("http", "A"));
    EXPECT_FALSE(rules.is_proxied("https", "a")) << "https has http's";
    EXPECT_TRUE(rules.is_proxied("http", "b"));
    EXPECT_TRUE(rules.is_proxied("https", "b"));
    EXPECT_FALSE(rules.is_proxied("https", "c"));
    EXPECT_TRUE(rules.is_proxied("http", "c"));
    EXPECT_FALSE(AptSettings::parse("").proxy_rules().is_proxied("http", "b"));
    EXPECT_FALSE(AptSettings::parse("Acquire::http::Proxy=http://p/\nPackswarm::Use-With-Proxy=true\n")
                     .proxy_rules()
                     .is_proxied("http", "b"));
    for (const auto* own : {"http://127.0.0.1:7878/", "http://localhost:7878", "http://192.0.2.1:7878"})
        EXPECT_FALSE(AptSettings::parse(std::string("Acquire::http::Proxy=") + own + "\n")
                         .proxy_rules("192.0.2.1:7878")
                         .is_proxied("http", "b"))
            << own;
    EXPECT_TRUE(AptSettings::parse("Acquire::http::Proxy=http://127.0.0.1:3128\n")
                    .proxy_rules("127.0.0.1:7878")
                    .is_proxied("http", "b"));
    Learned out;
    out.proxies = rules;
    parse_deb822_sources("Types: deb\nURIs: http://a/x http://b/x\nSuites: s\nComponents: main\n", "/etc/apt", out);
    parse_one_line_sources("deb http://b/x s main\n", "/etc/apt", out);
    ASSERT_EQ(out.repositories.size(), 1u);
    EXPECT_EQ(out.repositories[0].bases, std::vector<std::string>{"http://a/x"});
    EXPECT_EQ(out.warnings.size(), 2u);
}

TEST(Sources, DatesAreJudgedAsAptConfAndTheSourceSay) {
    const auto settings = AptSettings::parse(
        "Acquire::Check-Valid-Until=false\nAcquire::Max-ValidTime=86400\nAcquire::Max-ValidTime::My%20Label=60\n"
        "Acquire::Max-FutureTime=x\nno line of it\n");
    Learned out;
    out.dates = settings.date_rules();
    EXPECT_EQ(out.dates.max_age.of("my label"), Seconds(60));
    EXPECT_EQ(out.dates.max_future.value, Seconds(10)) << "what is no number is not set";
    parse_one_line_sources(
        "deb http://a/x s main\ndeb [Check-Valid-Until=yes valid-until-max=7 date-max-future=99999999999] http://b/x s "
        "main\n",
        "/etc/apt", out);
    parse_deb822_sources(
        "Types: deb\nURIs: http://c/x\nSuites: s\nComponents: main\nCheck-Date: no\nDate-Max-Future: "
        "3600\nValid-Until-Min: 5\n",
        "/etc/apt", out);
    ASSERT_EQ(out.repositories.size(), 3u);
    const auto &a = out.repositories[0].dates, &b = out.repositories[1].dates, &c = out.repositories[2].dates;
    EXPECT_EQ(a, settings.date_rules());
    EXPECT_TRUE(b.check_valid_until && b.check_dates);
    EXPECT_EQ(b.max_age, (core::LabelledTime{Seconds(7), {}}));
    EXPECT_EQ(b.max_future.value, Seconds(10));
    EXPECT_FALSE(c.check_dates);
    EXPECT_EQ(c.max_future.value, Seconds(3600));
    EXPECT_EQ(c.min_age.value, Seconds(5));
}

}  // namespace
}  // namespace packswarm::daemon
