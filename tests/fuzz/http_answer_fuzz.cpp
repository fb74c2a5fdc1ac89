// rooms: web
// A mirror's answer: status and header lines against the rules, then a redirect from an address to a location.
// Input: two bytes that choose what was asked, the status line, headers, an empty line, anything.
#include <cstdint>
#include <cstdlib>

#include "p2p/base/limits.hpp"
#include "p2p/web/address.hpp"
#include "p2p/web/answer.hpp"

using namespace packswarm;

namespace {

web::Wanted wanted_of(std::uint8_t flags, std::uint8_t size) {
    web::Wanted out;
    out.path = flags & 1 ? "/pool/a_1_amd64.deb" : "/dists/stable/InRelease";
    if (flags & 2) out.begin = size / 2;
    if ((flags & 6) == 6) out.end = size + 1;
    if (flags & 8) out.expected_size = size * 4;
    out.max_bytes = flags & 16 ? 300 : limits::max_artifact;
    out.conditional = flags & 32;
    if (flags & 64 && !out.begin) out.enough = size;
    out.takes_whole = flags & 128;
    return out;
}

void check(bool holds) {
    if (!holds) std::abort();
}

void walk_body(const web::Wanted& wanted, const web::BodyPlan& plan, std::size_t step) {
    check(plan.offset >= 0 && plan.cap >= 0 && plan.cap <= std::max(wanted.max_bytes, ByteCount{0}));
    check(!plan.length || *plan.length <= wanted.max_bytes);
    check(!wanted.end || wanted.takes_whole || plan.offset + plan.length.value_or(0) <= *wanted.end);
    check(!wanted.enough || plan.length.value_or(0) <= *wanted.enough);
    web::BodyGauge gauge(plan);
    for (int i = 0; i < 50; ++i) {
        const auto taken = gauge.take(step);
        if (!taken || *taken < step) break;
    }
    check(gauge.next_offset() - plan.offset <= plan.cap);
    static_cast<void>(gauge.finish(web::BodyGauge::Ending::declared));
}

void redirect(const std::string& location) {
    static const auto secure = web::Address::parse("https://user:secret@mirror.test/debian/pool/a.deb");
    const auto next = secure->redirect(location);
    if (!next) return;
    check(next->is_tls && next->text.starts_with("https://"));
    check(next->text.find('@') == std::string::npos || next->text.find('@') > next->text.find('/', 8));
    check(next->sends_credentials() == (next->origin == "https://mirror.test"));
    for (const char c : next->text) check(static_cast<unsigned char>(c) > 32 && c != 127);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 3) return 0;
    const auto wanted = wanted_of(data[0], data[1]);
    const std::string text(reinterpret_cast<const char*>(data + 2), size - 2);
    web::AnswerHead head;
    const int status = std::atoi(text.substr(std::min<std::size_t>(text.size(), 9), 3).c_str());
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find('\n', at), text.size() - 1) + 1;
        if (!head.add(std::string_view(text).substr(at, end - at))) return 0;
        at = end;
    }
    if (head.is_redirect(status))
        redirect(head.location);
    else if (const auto plan = web::judge(wanted, status, head))
        walk_body(wanted, *plan, data[1] + 1u);
    static_cast<void>(web::shows_no_ranges(wanted, status, head));
    static_cast<void>(web::parse_content_range(text));
    return 0;
}
