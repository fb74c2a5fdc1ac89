#include "p2p/core/freshness.hpp"

#include <algorithm>
#include <ctime>

namespace packswarm::core {

namespace {

std::string name_of(const IndexRoot& root) {
    const std::string suite = root.codename.empty() ? root.suite : root.codename;
    return suite.empty() ? "the index" : "the index of " + suite;
}

bool same_content(const IndexRoot& root, const KnownRoot& floor) {
    return root.digest == floor.root || (floor.content && *floor.content == root.content);
}

Result<void> check_future(const IndexRoot& root, WallTime now, const DateRules& rules) {
    if (!rules.check_dates || root.date <= now + rules.max_future.of(root.label)) return {};
    return fail(ErrorKind::Refused, "{} is dated {}, but this machine's clock says {}: set the clock", name_of(root),
                date_text(root.date), date_text(now));
}

Result<void> check_rollback(const IndexRoot& root, const std::optional<KnownRoot>& floor) {
    if (!floor || root.date >= floor->date) return {};
    return fail(
        ErrorKind::Absent,
        "{} of {} is older than the one of {} seen before: use another mirror, or 'packswarm accept --older' if "
        "the distribution took the newer one back",
        name_of(root), date_text(root.date), date_text(floor->date));
}

// As apt counts: a least age moves a Valid-Until that is there, a greatest one sets it where there is none.
std::optional<WallTime> valid_until(const IndexRoot& root, const DateRules& rules) {
    auto until = root.valid_until;
    const auto least = rules.min_age.of(root.label), most = rules.max_age.of(root.label);
    if (until && least.count() > 0) until = std::max(*until, root.date + least);
    if (most.count() > 0) until = std::min(until.value_or(WallTime::max()), root.date + most);
    return until;
}

Result<void> check_expiry(const IndexRoot& root, WallTime now, const DateRules& rules) {
    if (!rules.check_dates || !rules.check_valid_until) return {};
    const auto until = valid_until(root, rules);
    if (!until || now <= *until) return {};
    return fail(ErrorKind::Absent,
                "{} of {} expired on {}: use a mirror that is up to date, or 'packswarm accept --expired'",
                name_of(root), date_text(root.date), date_text(*until));
}

Result<void> check_dates(const IndexRoot& root, WallTime now, const DateRules& rules) {
    if (auto good = check_future(root, now, rules); !good) return good;
    return check_expiry(root, now, rules);
}

}  // namespace

std::string date_text(WallTime time) {
    const std::time_t seconds = time.time_since_epoch().count();
    std::tm parts{};
    if (gmtime_r(&seconds, &parts) == nullptr) return std::to_string(seconds) + " s after 1970";
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                       parts.tm_hour, parts.tm_min, parts.tm_sec);
}

WallTime effective_now(const std::optional<KnownRoot>& floor, WallTime now) {
    return floor ? std::max(now, floor->date) : now;
}

Result<Freshness> check_freshness(const IndexRoot& root, const std::optional<KnownRoot>& floor, WallTime now,
                                  StaleIndex stale, const DateRules& rules) {
    const WallTime clock = effective_now(floor, now);
    const DateRules strict;
    Freshness out;
    out.age = std::max(clock - root.date, Seconds(0));
    out.raises_floor = !floor || root.date > floor->date;
    out.is_twin = floor && root.date == floor->date && !same_content(root, *floor);
    if (out.is_twin)
        out.warnings.push_back(fmt::format("{} of {} differs from the one of the same date seen before", name_of(root),
                                           date_text(root.date)));
    if (clock > now)
        out.warnings.push_back(
            fmt::format("this machine's clock says {}, but an index of {} was seen before: set the clock",
                        date_text(now), date_text(clock)));
    const std::pair<Result<void>, bool> findings[] = {{check_future(root, clock, rules), stale.future},
                                                      {check_rollback(root, floor), stale.older},
                                                      {check_expiry(root, clock, rules), stale.expired}};
    for (const auto& [finding, may_pass] : findings) {
        if (finding) continue;
        if (root.is_signed && !may_pass) return tl::unexpected(finding.error());
        out.warnings.push_back(finding.error().message);
    }
    const auto shareable = check_dates(root, clock, strict);
    if (rules != strict && !shareable && check_dates(root, clock, rules)) out.only_here = shareable.error().message;
    // A date from the future would shut out every later index.
    if (!check_future(root, clock, strict)) out.raises_floor = false;
    return out;
}

}  // namespace packswarm::core
