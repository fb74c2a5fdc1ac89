#include "p2p/daemon/upgrade_prefetch.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "p2p/base/log.hpp"

namespace packswarm::daemon {

namespace {

constexpr auto tick_interval = Millis(500);
constexpr auto look_interval = Seconds(2), look_interval_at_rest = Seconds(15);
constexpr auto look_is_good_for = Seconds(20);
constexpr auto quiet = Seconds(5);  // after somebody waited: apt asks in bursts
constexpr auto measure_interval = Seconds(10);
constexpr auto refresh_interval = Seconds(12 * 3600), refresh_spread = Seconds(3600);
constexpr auto refresh_deadline = Seconds(120), lists_deadline = Seconds(60);
constexpr auto retry_after = Seconds(900);
constexpr int max_retries = 4;

std::optional<Seconds> window_of_a_test() {
    const char* text = std::getenv("PACKSWARM_PREFETCH_WINDOW_S");
    int seconds = 0;
    if (text == nullptr || std::from_chars(text, text + std::strlen(text), seconds).ec != std::errc{})
        return std::nullopt;
    return Seconds(seconds);
}

int minute_of_day(WallTime now) {
    const std::time_t seconds = now.time_since_epoch().count();
    std::tm local{};
    return ::localtime_r(&seconds, &local) == nullptr ? 0 : local.tm_hour * 60 + local.tm_min;
}

}  // namespace

UpgradePrefetch::UpgradePrefetch(World world)
    : world_(std::move(world)),
      notes_file_(world_.vault.folder() / "prefetch.state"),
      notes_(read_prefetch_notes(notes_file_)),
      window_(window_of_a_test()) {}

UpgradePrefetch::~UpgradePrefetch() {
    lifetime_.end();
    world_.loop.cancel(timer_);
}

void UpgradePrefetch::set_rules(Rules rules) {
    rules_ = std::move(rules);
    wake();
}

void UpgradePrefetch::switch_to(bool on) {
    notes_.is_on = on;
    is_asked_ = false;
    roots_.clear();  // what came while it was off is looked at, too
    save_notes();
    spdlog::info("fetching upgrades ahead is switched {}", on ? "on" : "off");
    wake();
}

void UpgradePrefetch::begin_now() {
    is_asked_ = true;
    retries_ = 0;
    wake();
    refresh_at_ = world_.loop.now();
}

// ---- What is known
// ----------------------------------------------------------------------------------------------------------

// Asked for by the owner, it does not wait for the night.
core::PrefetchRules UpgradePrefetch::rules_now() const {
    auto out = rules_.prefetch;
    out.is_enabled = is_at_work();
    if (is_asked_) out.hours.clear();
    return out;
}

void UpgradePrefetch::wake() {
    if (is_on() && refresh_at_ == TimePoint::max()) plan_refresh();
    if (!is_on()) refresh_at_ = TimePoint::max();
    if (!is_at_work()) stop();
    judge();
    if (is_at_work() && timer_ == TimerId::none) tick();
}

void UpgradePrefetch::tick() {
    timer_ = world_.loop.after(tick_interval, [this] { tick(); });
    if (world_.broker.is_awaited()) last_awaited_ = world_.loop.now();
    note_roots();
    look();
    judge();
    go_on();
}

// A root that a start finds in the store counts as new: what it brings may be missing yet.
void UpgradePrefetch::note_roots() {
    const auto& book = world_.broker.book();
    for (const auto& repository : book.table().all()) {
        const auto& root = book.state_of(repository.id).root;
        if (!root || roots_[repository.id] == root->index.digest) continue;
        roots_[repository.id] = root->index.digest;
        if (!is_on()) continue;
        const auto usual = book.is_security(repository) ? core::security_window : core::usual_window;
        const auto delay = core::prefetch_delay(notes_.installation, root->index.digest, window_.value_or(usual));
        slots_[repository.id] = world_.loop.now() + delay;
        spdlog::debug("prefetch: {} has a new root: its upgrades are looked at in {} s", repository.id, delay.count());
    }
    std::erase_if(slots_, [&](const auto& slot) { return book.table().find(slot.first) == nullptr; });
}

void UpgradePrefetch::look() {
    const auto interval = phase_ == Phase::rest ? look_interval_at_rest : look_interval;
    if (is_looking_ || (seen_ && world_.loop.now() - looked_at_ < interval)) return;
    is_looking_ = true;
    looked_at_ = world_.loop.now();
    world_.workers.run([look = world_.look, took = lifetime_.guard([this](const Look& seen) {
                           is_looking_ = false;
                           seen_ = seen;
                           judge();
                       })]() -> Task { return [took, seen = look()] { took(seen); }; });
}

void UpgradePrefetch::judge() {
    const auto now = world_.loop.now();
    const bool may_have_changed = phase_ != Phase::rest && now - measured_at_ >= measure_interval;
    if (is_at_work() && (!room_ || may_have_changed)) measure();
    core::Circumstances circumstances;
    if (seen_ && now - looked_at_ < look_is_good_for) {
        circumstances.network = seen_->network;
        circumstances.is_metered = seen_->machine.is_metered;
        circumstances.is_on_battery = seen_->machine.is_on_battery;
    }
    circumstances.minute_of_day = minute_of_day(world_.loop.wall_now());
    circumstances.is_awaited = world_.broker.is_awaited() || now - last_awaited_ < quiet;
    circumstances.room = room_.value_or(0);
    circumstances.month = month_;
    auto verdict = core::judge_prefetch(rules_now(), rules_.networks, circumstances);
    if (is_at_work() && !seen_) verdict = {false, "looking around", "the machine was not looked at yet"};
    if (verdict == verdict_) return;
    verdict_ = std::move(verdict);
    spdlog::log(is_at_work() ? spdlog::level::info : spdlog::level::debug, "fetching upgrades ahead: {}{}",
                verdict_.may_run ? "nothing stands against it" : verdict_.limit + ": ", verdict_.reason);
    if (!verdict_.may_run) pause();
}

// Both look at much: they are left as they were while nothing is fetched.
void UpgradePrefetch::measure() {
    measured_at_ = world_.loop.now();
    room_ = world_.vault.room();
    auto totals = world_.ledger.totals_of(transaction());
    month_ = totals[broker::SourceKind::mirror].bytes + totals[broker::SourceKind::peer].bytes;
}

// ---- One round: roots, lists, question, packages
// ----------------------------------------------------------------------------

bool UpgradePrefetch::is_due() const {
    const auto now = world_.loop.now();
    return now >= retry_at_ ||
           std::any_of(slots_.begin(), slots_.end(), [&](const auto& slot) { return now >= slot.second; });
}

void UpgradePrefetch::go_on() {
    const auto now = world_.loop.now();
    const auto since = now - phase_since_;
    if (phase_ == Phase::refresh && since > refresh_deadline) return refreshed();
    if (!verdict_.may_run) return;
    if (phase_ == Phase::lists) return wait_for_lists();
    if (phase_ != Phase::rest && phase_ != Phase::fetch) return;
    if (now >= refresh_at_) return refresh();
    if (is_due()) return wait_for_lists();
    if (phase_ == Phase::fetch && is_paused_) return fetch();
    if (phase_ == Phase::fetch && world_.broker.upgrades().left() == 0) ended();
}

void UpgradePrefetch::refresh() {
    pause();
    phase_ = Phase::refresh;
    phase_since_ = world_.loop.now();
    const auto repositories = world_.broker.book().table().all();
    refreshes_left_ = repositories.size();
    notes_.refreshed = world_.loop.wall_now();
    save_notes();
    plan_refresh();
    if (repositories.empty()) return refreshed();
    for (const auto& repository : repositories)
        world_.broker.refresh(repository.id, lifetime_.guard([this](const Result<broker::RootAnswer>&) {
            if (refreshes_left_ > 0 && --refreshes_left_ == 0) refreshed();
        }));
}

// What is new has its slot; the owner waits for none.
void UpgradePrefetch::refreshed() {
    if (phase_ != Phase::refresh) return;
    phase_ = Phase::rest;
    note_roots();
    if (is_asked_) retry_at_ = world_.loop.now();
}

// The lists of packages that new roots name are fetched by broker/missing_indexes.hpp, within its budget.
void UpgradePrefetch::wait_for_lists() {
    const auto now = world_.loop.now();
    if (phase_ != Phase::lists) {
        pause();
        phase_ = Phase::lists;
        phase_since_ = now;
        retry_at_ = TimePoint::max();
        std::erase_if(slots_, [&](const auto& slot) { return now >= slot.second || is_asked_; });
    }
    const auto& book = world_.broker.book();
    const auto& all = book.table().all();
    const bool lacks = std::any_of(all.begin(), all.end(), [&](const auto& one) { return book.lacks_lists(one.id); });
    if (lacks && now - phase_since_ < lists_deadline) return world_.broker.missing().hurry();
    ask();
}

void UpgradePrefetch::ask() {
    phase_ = Phase::question;
    phase_since_ = world_.loop.now();
    question_ = std::make_unique<UpgradeQuestion>(world_, rules_.managers,
                                                  [this](UpgradeQuestion::Files files) { told(std::move(files)); });
}

void UpgradePrefetch::told(UpgradeQuestion::Files files) {
    files_ = std::move(files);
    world_.loop.post(lifetime_.guard([this] { question_.reset(); }));  // it is at work yet
    phase_ = Phase::fetch;
    is_paused_ = true;
    judge();
    if (verdict_.may_run) fetch();
}

void UpgradePrefetch::fetch() {
    is_paused_ = false;
    measure();
    auto most = rules_.prefetch.most_disk;
    if (const auto quota = rules_.prefetch.monthly_quota; quota > 0)
        most = std::min(most, view().here_bytes + std::max<ByteCount>(0, quota - month_));
    const auto wanted = world_.broker.upgrades().want(files_, most, transaction());
    spdlog::info("an upgrade would fetch {} packages: {} are fetched ahead", files_.size(), wanted);
}

// What nobody gave is asked for again some time later.
void UpgradePrefetch::ended() {
    const auto seen = view();
    const bool is_whole = seen.here == seen.wanted || seen.wanted_bytes > rules_.prefetch.most_disk;
    spdlog::info("{} of {} packages of an upgrade are here", seen.here, seen.wanted);
    phase_ = Phase::rest;
    is_paused_ = true;
    is_asked_ = false;
    retries_ = is_whole ? 0 : retries_ + 1;
    if (!is_whole && retries_ <= max_retries) retry_at_ = world_.loop.now() + retry_after;
    wake();
}

void UpgradePrefetch::pause() {
    if (phase_ == Phase::question) {  // it is asked again when it may go on
        question_.reset();
        phase_ = Phase::rest;
        retry_at_ = world_.loop.now();
    }
    if (std::exchange(is_paused_, true)) return;
    if (world_.broker.upgrades().left() > 0)
        spdlog::info("{} packages wait to be fetched ahead", world_.broker.upgrades().left());
    world_.broker.upgrades().end();
}

void UpgradePrefetch::stop() {
    pause();
    world_.loop.cancel(std::exchange(timer_, TimerId::none));
    phase_ = Phase::rest;
    retry_at_ = TimePoint::max();
    slots_.clear();
    roots_.clear();
    seen_.reset();
    room_.reset();
}

// ---- Times and notes
// ------------------------------------------------------------------------------------------------------------

// Twice a day, as apt's own timer, and not all machines at once.
void UpgradePrefetch::plan_refresh() {
    const auto spread = std::min(refresh_spread, window_.value_or(refresh_spread));
    const auto chance =
        core::prefetch_delay(notes_.installation, Digest::from_raw(notes_.installation.raw().data()), spread);
    const auto since = std::clamp(world_.loop.wall_now() - notes_.refreshed, Seconds(0), refresh_interval);
    refresh_at_ = world_.loop.now() + (refresh_interval - since) + chance;
}

void UpgradePrefetch::save_notes() {
    world_.workers.run([file = notes_file_, notes = notes_]() -> Task {
        if (auto written = write_prefetch_notes(file, notes); !written)
            spdlog::warn("prefetch.state is not written: {}", written.error().message);
        return [] {};
    });
}

// Under this name the ledger counts what was fetched ahead in a month.
std::string UpgradePrefetch::transaction() const {
    const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(world_.loop.wall_now()));
    return fmt::format("prefetch-{:04}-{:02}", static_cast<int>(day.year()), static_cast<unsigned>(day.month()));
}

UpgradePrefetch::View UpgradePrefetch::view() const {
    View out;
    out.is_on = is_on();
    out.rules = rules_.prefetch;
    out.verdict = verdict_;
    constexpr const char* names[] = {"nothing", "looking for new indexes", "waiting for lists of packages",
                                     "asking what an upgrade would fetch", "fetching"};
    out.doing = phase_ == Phase::fetch && is_paused_ ? "waiting" : names[static_cast<int>(phase_)];
    for (const auto& file : files_) {
        const bool is_here = world_.vault.brief(file.entry.digest).has_value();
        out.wanted += 1;
        out.wanted_bytes += file.entry.size;
        out.here += is_here ? 1 : 0;
        out.here_bytes += is_here ? file.entry.size : 0;
    }
    out.month = month_;
    out.refreshed = notes_.refreshed;
    auto next = std::min(retry_at_, refresh_at_);
    for (const auto& [id, slot] : slots_) next = std::min(next, slot);
    if (next != TimePoint::max() && is_at_work()) {
        const auto wait = std::chrono::duration_cast<Seconds>(next - world_.loop.now());
        out.next = world_.loop.wall_now() + std::max(wait, Seconds(0));
    }
    return out;
}

}  // namespace packswarm::daemon
