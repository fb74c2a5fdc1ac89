#include "hooks/apt/agent.hpp"

#include <algorithm>

#include "p2p/base/log.hpp"

namespace packswarm::hooks {
namespace {

TimePoint now() { return std::chrono::steady_clock::now(); }

// Whether none of it came from the server that apt named.
bool is_from_elsewhere(const std::string& uri, const std::vector<control::Source>& sources) {
    return std::none_of(sources.begin(), sources.end(), [&uri](const control::Source& source) {
        return source.kind == "mirror" && uri.starts_with(source.source);
    });
}

bool is_root(const std::string& uri) {
    const auto name = std::string_view(uri).substr(uri.rfind('/') + 1);
    return name == "InRelease" || name == "Release" || name == "Release.gpg";
}

}  // namespace

void AptAgent::get(AptItem item) {
    if (!client_ && !gone_) {
        auto client = control::Client::connect(settings_.socket, "apt", settings_.connect_timeout);
        if (client)
            client_.emplace(std::move(*client));
        else
            gone_ = Error{ErrorKind::Transient, client.error().message};
    }
    if (gone_) {
        handed_over_.push_back({item.uri(), item.raw(), *gone_, {}, {}, is_of_anothers_root(item.uri())});
        return;
    }
    if (items_.empty()) last_news_ = now();
    const auto id = client_->next_id();
    const auto request = item.request(id);
    items_.emplace(id, Tracked{std::move(item)});
    if (auto sent = client_->send(request); !sent) give_up(sent.error());
}

bool AptAgent::has_work() const {
    if (client_ && client_->has_events()) return true;
    return std::any_of(items_.begin(), items_.end(), [](const auto& entry) { return entry.second.item.has_work(); });
}

bool AptAgent::can_announce() const {
    if (announced_ != 0) return false;
    return std::any_of(items_.begin(), items_.end(),
                       [](const auto& e) { return e.second.item.is_started() && !e.second.announced; });
}

std::optional<TimePoint> AptAgent::next_deadline() const {
    if (items_.empty()) return std::nullopt;
    const auto silent_at = last_news_ + settings_.silence;
    return can_announce() ? std::min(silent_at, last_finish_ + settings_.quiet_before_start) : silent_at;
}

void AptAgent::on_readable() {
    if (!client_) return;
    auto events = client_->receive(Millis(0));
    if (!events) return give_up(events.error());
    for (auto& event : *events) {
        on_event(std::move(event));
        if (!client_) return;
    }
}

void AptAgent::on_event(control::Event event) {
    if (event.id == 0 && event.kind == control::EventKind::failed) return give_up(event.error);
    const auto found = items_.find(event.id);
    if (found == items_.end()) return;
    if (event.kind == control::EventKind::not_modified) return finish(found, found->second.item.unchanged_message());
    const bool is_over = event.kind == control::EventKind::failed || event.kind == control::EventKind::done;
    const auto grew = apply(found->second, std::move(event));
    if (grew) {
        if (*grew) last_news_ = now();
        return;
    }
    const auto id = found->first;
    hand_over(found, grew.error());
    if (is_over) return;
    if (auto sent = client_->send(control::Cancel{id}); !sent) give_up(sent.error());
}

// Whether the file moved on: what does not move does not count as a sign of life.
Result<bool> AptAgent::apply(Tracked& tracked, control::Event event) {
    switch (event.kind) {
        case control::EventKind::start:
            return tracked.item.on_start(std::move(event)).map([] { return true; });
        case control::EventKind::progress:
            return tracked.item.on_progress(event);
        case control::EventKind::done:
            tracked.is_from_elsewhere = is_from_elsewhere(tracked.item.uri(), event.sources);
            return tracked.item.on_done(std::move(event)).map([] { return true; });
        case control::EventKind::failed:
            return tl::unexpected(event.error);
        case control::EventKind::not_modified:
        case control::EventKind::answer:
            break;
    }
    return fail(ErrorKind::Refused, "the agent answered something else than was asked");
}

void AptAgent::on_time() {
    if (items_.empty()) return;
    if (now() >= last_news_ + settings_.silence && !has_work())
        return give_up({ErrorKind::Transient,
                        "the agent has been silent for " + std::to_string(settings_.silence.count() / 1000) + " s"});
    if (can_announce() && now() >= last_finish_ + settings_.quiet_before_start) announce();
}

// apt draws the growth of one file at a time, the one whose 200 came last, and forgets it at the next 201. So while
// small files keep finishing, nothing is announced early; when it gets quiet, the one with most still to come is.
void AptAgent::announce() {
    auto best = items_.end();
    for (auto entry = items_.begin(); entry != items_.end(); ++entry) {
        const auto& [item, announced, is_from_elsewhere] = entry->second;
        if (!item.is_started() || announced) continue;
        if (best == items_.end() || item.missing() > best->second.item.missing()) best = entry;
    }
    if (best == items_.end()) return;
    best->second.announced = true;
    announced_ = best->first;
    replies_ += best->second.item.start_message().text();
}

void AptAgent::work() {
    const auto busy =
        std::find_if(items_.begin(), items_.end(), [](const auto& entry) { return entry.second.item.has_work(); });
    if (busy == items_.end()) return;
    const auto step = busy->second.item.work();
    last_news_ = now();
    if (!step) return hand_over(busy, step.error());
    if (*step == AptItem::Step::going) return;
    if (!busy->second.announced) replies_ += busy->second.item.start_message().text();
    remember_root(busy->second);
    finish(busy, busy->second.item.done_message());
}

// A detached signature comes with its root, from where it came.
void AptAgent::remember_root(const Tracked& tracked) {
    const auto& uri = tracked.item.uri();
    if (!is_root(uri) || uri.ends_with(".gpg")) return;
    const auto folder = uri.substr(0, uri.rfind('/') + 1);
    if (tracked.is_from_elsewhere)
        folders_of_anothers_roots_.insert(folder);
    else
        folders_of_anothers_roots_.erase(folder);
}

bool AptAgent::is_of_anothers_root(const std::string& uri) const {
    return !is_root(uri) && std::any_of(folders_of_anothers_roots_.begin(), folders_of_anothers_roots_.end(),
                                        [&uri](const std::string& folder) { return uri.starts_with(folder); });
}

void AptAgent::finish(Items::iterator item, const AptMessage& reply) {
    replies_ += reply.text();
    items_.erase(item);
    announced_ = 0;
    last_news_ = last_finish_ = now();
}

void AptAgent::hand_over(Items::iterator item, const Error& reason) {
    if (item->first == announced_) announced_ = 0;
    auto& [file, announced, is_from_elsewhere] = item->second;
    auto remainder = file.leave(reason);
    const auto shown = announced ? HandedOver::Shown::begun : HandedOver::Shown::not_yet;
    handed_over_.push_back(
        {file.uri(), file.raw(), reason, std::move(remainder), shown, is_of_anothers_root(file.uri())});
    items_.erase(item);
    last_news_ = now();
}

void AptAgent::give_up(const Error& reason) {
    client_.reset();
    gone_ = reason;
    while (!items_.empty()) hand_over(items_.begin(), reason);
}

}  // namespace packswarm::hooks
