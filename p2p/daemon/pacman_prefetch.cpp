#include "p2p/daemon/pacman_prefetch.hpp"

#include <unistd.h>

#include <algorithm>

#include "formats/pacman/pacman.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"

namespace packswarm::daemon {

namespace {
constexpr auto look_after =
    Millis(30);  // of a transaction that is served from the store in less, nothing need be known
constexpr auto look_again_after = Seconds(10);  // when no pacman was found whose transaction it is
constexpr auto watch_interval = Millis(1000);
constexpr auto silence =
    Seconds(60);  // nobody waits for anything: as the gateway, which takes what comes later for another transaction
constexpr std::size_t max_asked = 4096;
}  // namespace

PacmanPrefetch::PacmanPrefetch(boost::asio::io_context& io, Loop& loop, Workers& workers, broker::Broker& broker,
                               Settings settings)
    : io_(io), loop_(loop), workers_(workers), broker_(broker), settings_(std::move(settings)) {
    broker_.set_asked([this](const core::CatalogHit& hit) { asked(hit); });
}

PacmanPrefetch::~PacmanPrefetch() {
    lifetime_.end();
    loop_.cancel(timer_);
    broker_.set_asked({});
}

void PacmanPrefetch::set_enabled(bool enabled) {
    settings_.enabled = enabled;
    if (enabled) return;
    run_.reset();
    candidates_.clear();
    is_looking_ = false;
    end("it was switched off");
}

void PacmanPrefetch::asked(const core::CatalogHit& hit) {
    const auto* repository = broker_.book().table().find(hit.repository);
    if (!settings_.enabled || process_ || repository == nullptr || repository->format != formats::pacman()) return;
    const auto now = loop_.now();
    if (asked_.size() >= max_asked) asked_.clear();
    asked_.push_back({{repository->suite, hit.entry.path}, now});
    if (is_looking_ || now < look_not_before_) return;
    is_looking_ = true;
    loop_.after(look_after, lifetime_.guard([this] { look(); }));
}

// ---- Which pacman, and what it will fetch
// ------------------------------------------------------------------------------------

void PacmanPrefetch::look() {
    workers_.run([this, alive = lifetime_.view(), proc = settings_.proc]() -> Task {
        return [this, alive, search = find_pacmans(proc, ::geteuid())]() mutable {
            if (!alive || !is_looking_) return;
            for (const auto& reason : search.turned_down) spdlog::debug("prefetch: {}", reason);
            looked_at_ = loop_.now();
            candidates_ = std::move(search.found);
            // The oldest is taken first, from the end: the others may be its children.
            std::sort(candidates_.begin(), candidates_.end(),
                      [](const auto& a, const auto& b) { return a.age_s < b.age_s; });
            try_next();
        };
    });
}

void PacmanPrefetch::try_next() {
    if (candidates_.empty()) return nothing_found();
    auto process = std::move(candidates_.back());
    candidates_.pop_back();
    BoundedRun::Program program{settings_.program, core::printing_arguments(process.command), limits::max_printed,
                                std::chrono::duration_cast<Millis>(limits::print_deadline)};
    run_ = std::make_unique<BoundedRun>(
        io_, loop_, program, [this, process = std::move(process)](const Result<std::string>& text) {
            loop_.post([this, alive = lifetime_.view(), process, text] {  // the run may end only when it is not at work
                if (alive && is_looking_) printed(process, text);
            });
        });
}

void PacmanPrefetch::printed(const PacmanProcess& process, const Result<std::string>& text) {
    run_.reset();
    const auto turn_down = [&](const std::string& reason) {
        spdlog::debug("prefetch: process {}: {}", process.pid, reason);
        try_next();
    };
    if (!text) return turn_down("asked what it downloads: " + text.error().message);
    const auto packages = core::parse_printed_packages(*text);
    if (!packages) return turn_down(packages.error().message);
    std::set<PackageFile> files;
    for (const auto& package : *packages) files.emplace(package.repository, package.file);
    if (!is_running(settings_.proc, process)) return turn_down("it has ended");
    if (!fits(process, files)) return turn_down("what is asked for is not of its transaction");
    begin(process, *packages);
}

// All that was asked for since it began must be its own, and something at least.
bool PacmanPrefetch::fits(const PacmanProcess& process, const std::set<PackageFile>& files) const {
    bool any = false;
    for (const auto& one : asked_) {
        if (seconds_between(one.at, loop_.now()) > process.age_s + seconds_between(looked_at_, loop_.now())) continue;
        if (files.count(one.file) == 0) return false;
        any = true;
    }
    return any;
}

void PacmanPrefetch::nothing_found() {
    is_looking_ = false;
    asked_.clear();
    look_not_before_ = loop_.now() + look_again_after;
    spdlog::debug("prefetch: no pacman is known to be at work on what is asked for");
}

// ---- While it runs
// -----------------------------------------------------------------------------------------------------------

void PacmanPrefetch::begin(PacmanProcess process, const std::vector<core::PrintedPackage>& packages) {
    is_looking_ = false;
    candidates_.clear();
    asked_.clear();
    process_ = std::move(process);
    last_awaited_ = loop_.now();
    const auto wanted = broker_.prefetch().want(formats::pacman(), packages);
    spdlog::info("pacman (process {}) has {} packages in its transaction: {} are fetched ahead", process_->pid,
                 packages.size(), wanted);
    watch();
}

void PacmanPrefetch::watch() {
    timer_ = TimerId::none;
    const auto now = loop_.now();
    if (broker_.is_awaited()) last_awaited_ = now;
    if (!is_running(settings_.proc, *process_)) return end("pacman has ended");
    if (now - last_awaited_ > silence) return end("pacman asks for nothing any more");
    timer_ = loop_.after(watch_interval, [this] { watch(); });
}

void PacmanPrefetch::end(const char* reason) {
    if (!process_) return;
    loop_.cancel(timer_);
    timer_ = TimerId::none;
    if (broker_.prefetch().left() > 0)
        spdlog::info("{} packages are not fetched ahead any more: {}", broker_.prefetch().left(), reason);
    broker_.prefetch().end();
    process_.reset();
}

}  // namespace packswarm::daemon
