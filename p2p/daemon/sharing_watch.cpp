#include "p2p/daemon/sharing_watch.hpp"

#include "p2p/base/log.hpp"
#include "p2p/broker/ports/peers.hpp"

namespace packswarm::daemon {

namespace {

constexpr Millis interval{1'000};
constexpr int ticks_between_looks = 3;  // a look around costs more than the rest
constexpr double smoothing_s = 3;       // of the rates that are shown

}  // namespace

SharingWatch::SharingWatch(Loop& loop, broker::IndexBook& book, broker::Peers& peers, store::Ledger& ledger,
                           LookAround look_around)
    : loop_(loop),
      book_(book),
      peers_(peers),
      ledger_(ledger),
      look_around_(std::move(look_around)),
      counted_(peers.giving()),
      counted_at_(loop.now()) {
    view_.surroundings = look_around_();
    view_.month = ledger_.sent_in_month(loop_.wall_now());
    timer_ = loop_.after(interval, [this] { tick(); });
}

SharingWatch::~SharingWatch() {
    loop_.cancel(timer_);
    count();
}

void SharingWatch::set_rules(core::SharingRules rules) {
    view_.rules = std::move(rules);
    judge();
}

SharingWatch::View SharingWatch::view() const { return view_; }

void SharingWatch::tick() {
    timer_ = loop_.after(interval, [this] { tick(); });
    if (++ticks_ % ticks_between_looks == 0) view_.surroundings = look_around_();
    count();
    judge();
}

void SharingWatch::count() {
    const auto now = peers_.giving();
    const store::Sent more{now.sent_far - counted_.sent_far, now.sent_near - counted_.sent_near};
    const double seconds = std::max(seconds_between(counted_at_, loop_.now()), 1e-3);
    const double weight = std::min(1.0, seconds / smoothing_s);
    view_.far_rate += weight * (static_cast<double>(more.far) / seconds - view_.far_rate);
    view_.near_rate += weight * (static_cast<double>(more.near) / seconds - view_.near_rate);
    counted_ = now;
    counted_at_ = loop_.now();
    if (more != store::Sent{}) ledger_.add_sent(more, loop_.wall_now());
    view_.month = ledger_.sent_in_month(loop_.wall_now());
}

void SharingWatch::judge() {
    const auto verdict = core::judge_sharing(view_.rules, view_.surroundings, view_.month.far);
    if (verdict == view_.verdict) return;
    spdlog::info("sharing with {}{}{}", core::to_string(verdict.audience), verdict.reason.empty() ? "" : ": ",
                 verdict.reason);
    view_.verdict = verdict;
    peers_.give_to(verdict.audience, verdict.each_network);
    book_.allow_sharing(verdict.audience != core::Audience::nobody);
    book_.allow_peers(verdict.may_fetch);
}

}  // namespace packswarm::daemon
