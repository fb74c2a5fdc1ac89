#include "p2p/broker/given_roots.hpp"

#include <gtest/gtest.h>

#include "p2p/base/limits.hpp"

namespace packswarm::broker {
namespace {

GivenRoots::Given given_to(const std::string& transaction, const std::string& url, char signature) {
    return {transaction, url, Bytes{signature}, {}};
}

TEST(GivenRoots, EachTransactionHasTheSignatureOfTheRootThatItWasGivenLast) {
    GivenRoots roots;
    roots.gave(given_to("one", "http://m/core.db", 'a'));
    roots.gave(given_to("two", "http://m/core.db", 'b'));
    roots.gave(given_to("one", "http://m/core.db", 'c'));
    ASSERT_NE(roots.find("one", "http://m/core.db"), nullptr);
    EXPECT_EQ(roots.find("one", "http://m/core.db")->signature, Bytes{'c'});
    EXPECT_EQ(roots.find("two", "http://m/core.db")->signature, Bytes{'b'});
    EXPECT_EQ(roots.find("two", "http://m/extra.db"), nullptr);
}

TEST(GivenRoots, WhatIsForgottenIsForgottenForThatTransactionAlone) {
    GivenRoots roots;
    roots.gave(given_to("one", "http://m/core.db", 'a'));
    roots.gave(given_to("two", "http://m/core.db", 'b'));
    roots.forget("one", "http://m/core.db");
    roots.forget("one", "http://m/core.db");
    EXPECT_EQ(roots.find("one", "http://m/core.db"), nullptr);
    EXPECT_NE(roots.find("two", "http://m/core.db"), nullptr);
}

TEST(GivenRoots, OfManyTheOldestGo) {
    GivenRoots roots;
    for (int i = 0; i < 300; ++i) roots.gave(given_to(std::to_string(i), "http://m/core.db", 'a'));
    EXPECT_EQ(roots.find("0", "http://m/core.db"), nullptr);
    EXPECT_NE(roots.find("299", "http://m/core.db"), nullptr);
    EXPECT_NE(roots.find("100", "http://m/core.db"), nullptr) << "a signature is asked for right after its root";
}

TEST(GivenRoots, AnAddressIsRememberedWhoeverAskedAndNotWithoutEnd) {
    const auto at = [](const std::string& file) { return RootAddress{core::RepositoryId("core"), "http://m/" + file}; };
    GivenRoots roots;
    roots.served(at("core.db"), given_to("one", "http://m/core.db", 'a'));
    roots.served(at("core.db"), given_to("two", "http://m/core.db", 'b'));
    EXPECT_EQ(roots.last_at(at("core.db"))->signature, Bytes{'b'});
    EXPECT_EQ(roots.last_at(at("extra.db")), nullptr);
    for (std::size_t i = 0; i <= limits::max_sighted + 1; ++i)
        roots.served(at(std::to_string(i)), given_to("three", "", 'c'));
    EXPECT_EQ(roots.last_at(at("core.db")), nullptr);
}

}  // namespace
}  // namespace packswarm::broker
