// Which addresses a real fetch may be led to; which ones are this machine's is tests/unit/web/guard_test.cpp.
#include "tests/component/web/probe.hpp"
#include "tests/support/nginx.hpp"

namespace packswarm::test {
namespace {

using GuardedFetchTest = ClientTest;

TEST_F(GuardedFetchTest, NeitherANewConnectionNorAKeptOneLeadsToThisMachine) {
    Nginx nginx{NginxSettings{}};
    nginx.put("pool/a.deb", "a package");
    broker::MirrorRequest request;
    request.url = nginx.url("pool/a.deb");
    EXPECT_TRUE(fetch(request).ok()) << "for this machine's own; its connection is kept";
    request.terms.guard.emplace().ports = {static_cast<std::uint16_t>(Url::parse(request.url)->port)};
    auto& probe = fetch(request);
    EXPECT_FALSE(probe.ok());
    EXPECT_EQ(probe.kind(), ErrorKind::Refused);
    EXPECT_NE(probe.error().find("this machine"), std::string::npos) << probe.error();
    request.terms.guard.reset();
    EXPECT_TRUE(fetch(request).ok());
}

}  // namespace
}  // namespace packswarm::test
