#include "p2p/core/proxy_rules.hpp"

#include <gtest/gtest.h>

namespace packswarm::core {
namespace {

TEST(ProxyRules, WithoutAnySettingNobodyIsAskedThroughAProxy) {
    EXPECT_FALSE(ProxyRules{}.is_proxied("http", "mirror.example"));
}

TEST(ProxyRules, WhatIsSetForAHostGoesBeforeWhatIsSetForAll) {
    ProxyRules rules;
    rules.by_scheme["http"] = true;
    rules.by_host[{"http", "direct.example"}] = false;
    EXPECT_TRUE(rules.is_proxied("http", "mirror.example"));
    EXPECT_FALSE(rules.is_proxied("http", "Direct.Example")) << "in any case of letters";
}

TEST(ProxyRules, HttpsHasThoseOfHttpWhereItHasNoneOfItsOwn) {
    ProxyRules rules;
    rules.by_scheme["http"] = true;
    EXPECT_TRUE(rules.is_proxied("https", "a"));
    rules.by_scheme["https"] = false;
    EXPECT_FALSE(rules.is_proxied("https", "a"));
    rules.by_host[{"http", "b"}] = true;
    EXPECT_TRUE(rules.is_proxied("https", "b")) << "a host's rule goes before one for all";
    EXPECT_FALSE(ProxyRules({{{"https", true}}, {}}).is_proxied("http", "a")) << "and not the other way";
}

}  // namespace
}  // namespace packswarm::core
