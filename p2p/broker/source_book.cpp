#include "p2p/broker/source_book.hpp"

#include <algorithm>

#include "p2p/base/limits.hpp"
#include "p2p/base/url.hpp"

namespace packswarm::broker {

namespace {
constexpr int mirror_slots = 5;
constexpr int peer_slots = 32;                  // gets pipelined over one connection
constexpr auto suspicion = Seconds(30);         // at most, when its case does not end before
constexpr auto whole_files_for = Seconds(600);  // a cache in front of a mirror gives parts once it has the file
constexpr double least_window_s = 0.2;
constexpr double idle_s = 0.5;                          // nothing in flight for so long: what comes then begins anew,
constexpr double gathers_speed_s = 2;                   // and takes so long until it comes as fast as it can
constexpr double line_window_s = 1;                     // libcurl's buffers and the loop's naps are no news of the line
constexpr ByteCount telling_bytes = 256 * limits::kib;  // a claim of less is mostly round trips
}  // namespace

std::string_view to_string(SourceKind kind) {
    switch (kind) {
        case SourceKind::mirror:
            return "mirror";
        case SourceKind::peer:
            return "peer";
        case SourceKind::cache:
            return "cache";
    }
    return "mirror";
}

SourceBook::SourceBook(Loop& loop, Ledger& ledger, plan::Board& board)
    : loop_(loop),
      ledger_(ledger),
      board_(board),
      sampled_(loop.now()),
      counted_(loop.now()),
      line_sampled_(loop.now()) {
    for (auto& [base, health] : ledger.mirror_health()) remembered_[base] = health;
}

plan::SourceId SourceBook::add(Entry entry, plan::Source source) {
    const auto id = plan::SourceId{next_++};
    entries_.emplace(id, std::move(entry));
    board_.sources[id] = source;
    refresh(id);
    return id;
}

plan::SourceId SourceBook::mirror(const std::string& base) {
    if (const auto known = mirrors_.find(base); known != mirrors_.end()) return known->second;
    Entry entry;
    entry.label = base;
    const auto url = Url::parse(base);
    entry.server = url ? url->origin() : base;
    if (const auto old = remembered_.find(base); old != remembered_.end()) entry.health = old->second;
    entry.health.failures_in_row = 0;  // a restart is a new chance; back_at still holds
    entry.health.ranges = true;
    plan::Source source;
    source.slots = mirror_slots;
    source.rate = entry.health.rate;
    return mirrors_[base] = add(std::move(entry), source);
}

plan::SourceId SourceBook::peer(const PeerView& view) {
    if (const auto known = peers_.find(view.id); known != peers_.end()) return known->second;
    Entry entry;
    entry.label = view.endpoint;
    entry.kind = SourceKind::peer;
    entry.peer = view.id;
    entry.reach = view.reach;
    plan::Source source;
    source.role = view.reach == Reach::lan ? plan::Role::lan_peer : plan::Role::wan_peer;
    source.slots = peer_slots;
    source.key = view.key;
    entry.health.first_byte_s = view.reach == Reach::lan ? 0.005 : 0.08;
    return peers_[view.id] = add(std::move(entry), source);
}

// Not on the board: it is never asked.
plan::SourceId SourceBook::agent_before() {
    if (agent_before_) return *agent_before_;
    agent_before_ = plan::SourceId{next_++};
    auto& entry = entries_[*agent_before_];
    entry.kind = SourceKind::cache;
    entry.label = "the agent before this one";
    return *agent_before_;
}

void SourceBook::forget_peer(PeerId peer) {
    const auto at = peers_.find(peer);
    if (at == peers_.end()) return;
    const auto id = at->second;  // its entry stays for the records of running transfers
    peers_.erase(at);
    const auto source = board_.sources.find(id);
    if (source == board_.sources.end()) return;
    if (source->second.busy == 0) {
        board_.sources.erase(source);
        return;
    }
    gone_.insert(id);  // its claims end one by one, and the planner still looks at them
    source->second.usable = false;
}

SourceKind SourceBook::kind(plan::SourceId id) const { return entries_.at(id).kind; }
const std::string& SourceBook::label(plan::SourceId id) const { return entries_.at(id).label; }
PeerId SourceBook::peer_id(plan::SourceId id) const { return entries_.at(id).peer; }

std::optional<plan::SourceId> SourceBook::find_peer(PeerId peer) const {
    if (const auto at = peers_.find(peer); at != peers_.end()) return at->second;
    return std::nullopt;
}

Visit SourceBook::claim_started(plan::SourceId id) {
    if (const auto at = board_.sources.find(id); at != board_.sources.end()) ++at->second.busy;
    if (is_far(id)) count_flights(+1);
    return servers_.begin(entries_.at(id).server, loop_.now());
}

void SourceBook::claim_ended(plan::SourceId id) {
    entries_.at(id).busy_all_window = false;
    servers_.end(entries_.at(id).server);
    if (is_far(id)) count_flights(-1);
    const auto at = board_.sources.find(id);
    if (at == board_.sources.end()) return;
    at->second.busy = std::max(0, at->second.busy - 1);
    if (at->second.busy == 0 && gone_.erase(id) != 0) board_.sources.erase(at);
}

bool SourceBook::is_server_busy(plan::SourceId id) const { return servers_.is_busy(entries_.at(id).server); }

void SourceBook::first_byte(plan::SourceId id, double seconds) {
    core::note_first_byte(entries_.at(id).health, seconds);
    if (const auto at = board_.sources.find(id); at != board_.sources.end())
        at->second.delay.note(seconds, loop_.now());
    refresh(id);
}

void SourceBook::received(plan::SourceId id, ByteCount bytes) {
    entries_.at(id).window_bytes += bytes;
    if (is_far(id)) line_bytes_ += bytes, entries_.at(id).line_bytes += bytes;
}

void SourceBook::measured(plan::SourceId id, ByteCount bytes, double seconds) {
    const auto at = board_.sources.find(id);
    if (bytes < telling_bytes || seconds < 0.002 || at == board_.sources.end()) return;
    auto& health = entries_.at(id).health;
    const double sample = static_cast<double>(bytes) / seconds * std::max(1, at->second.busy);
    if (health.rate_samples++ == 0) health.rate = 0;  // what was there was a lower bound
    if (health.rate_samples <= 3 || sample > health.rate) core::note_rate(health, sample);
    refresh(id);
}

void SourceBook::gave_right_bytes(plan::SourceId id, ByteCount bytes) {
    if (const auto at = board_.sources.find(id); at != board_.sources.end()) at->second.proven += bytes;
    auto& entry = entries_.at(id);
    if (entry.kind == SourceKind::cache) return;
    core::note_success(entry.health);
    refresh(id);
    if (entry.kind == SourceKind::mirror && entry.health.good % 16 == 1)
        ledger_.save_mirror_health(entry.label, entry.health);
}

void SourceBook::failed(plan::SourceId id, ErrorKind kind) {
    auto& entry = entries_.at(id);
    if (entry.kind == SourceKind::cache) return;
    core::note_failure(entry.health, kind, loop_.wall_now());
    if (const auto at = board_.sources.find(id); kind == ErrorKind::Corrupt && at != board_.sources.end())
        at->second.proven = 0;
    refresh(id);
    if (entry.kind == SourceKind::mirror) ledger_.save_mirror_health(entry.label, entry.health);
}

bool SourceBook::answers(plan::SourceId id) const { return core::answers(entries_.at(id).health, loop_.wall_now()); }

void SourceBook::set_aside(plan::SourceId id) {
    entries_.at(id).suspected_until = loop_.now() + suspicion;
    refresh(id);
}

void SourceBook::acquit(plan::SourceId id) {
    entries_.at(id).suspected_until = {};
    refresh(id);
}

void SourceBook::ignores_ranges(plan::SourceId id) {
    auto& entry = entries_.at(id);
    entry.health.ranges = false;
    entry.parts_again = loop_.now() + whole_files_for;
    refresh(id);
}

bool SourceBook::is_discredited(plan::SourceId id) const {
    const auto& health = entries_.at(id).health;
    return health.corrupt * 20 > health.good;
}

bool SourceBook::is_discredited(const std::string& base) const {
    if (const auto known = mirrors_.find(base); known != mirrors_.end()) return is_discredited(known->second);
    const auto old = remembered_.find(base);
    return old != remembered_.end() && old->second.corrupt * 20 > old->second.good;
}

void SourceBook::refresh(plan::SourceId id) {
    const auto at = board_.sources.find(id);
    if (at == board_.sources.end()) return;
    const auto& health = entries_.at(id).health;
    at->second.first_byte_s = health.first_byte_s;
    at->second.patience_s = std::clamp(core::first_byte_p95(health), 0.15, 3.0);
    at->second.rate = health.rate;
    at->second.rate_known = health.rate_samples > 0;
    at->second.ranges = health.ranges;
    at->second.usable = core::is_usable(health, loop_.wall_now()) && loop_.now() >= entries_.at(id).suspected_until &&
                        gone_.count(id) == 0;
}

bool SourceBook::is_far(plan::SourceId id) const { return entries_.at(id).reach == Reach::wan; }

void SourceBook::count_flights(int change) {
    const auto now = loop_.now();
    flight_seconds_ += in_flight_ * seconds_between(counted_, now);
    counted_ = now;
    if (in_flight_ == 0 && seconds_between(last_in_flight_, now) > idle_s) busy_since_ = now;
    if (in_flight_ > 0) last_in_flight_ = now;
    in_flight_ += change;
}

// A window in which nothing was asked for at times says what was asked, not what the line carries.
void SourceBook::sample_line(TimePoint now) {
    const double window = seconds_between(line_sampled_, now);
    if (window < line_window_s && in_flight_ > 0) return;
    count_flights(0);
    const double in_flight = flight_seconds_ / window;
    const bool tells = in_flight_ > 0 && in_flight > 0.9;
    const double rate = static_cast<double>(line_bytes_) / window;
    if (tells && seconds_between(busy_since_, line_sampled_) < gathers_speed_s)
        board_.line.note_beginning(rate, now);
    else if (tells)
        board_.line.note(in_flight, rate, now);
    for (auto& [id, entry] : entries_) {
        const auto at = board_.sources.find(id);
        if (tells && at != board_.sources.end())
            at->second.peak.note(static_cast<double>(entry.line_bytes) / window, now);
        entry.line_bytes = 0;
    }
    line_sampled_ = now;
    flight_seconds_ = 0;
    line_bytes_ = 0;
}

void SourceBook::sample(TimePoint now) {
    sample_line(now);
    const double window = seconds_between(sampled_, now);
    if (window < least_window_s) return;
    sampled_ = now;
    for (auto& [id, entry] : entries_) {
        const auto at = board_.sources.find(id);
        if (at == board_.sources.end()) continue;
        entry.health.ranges = entry.health.ranges || now >= entry.parts_again;
        // Only windows in which it had work from end to end say what it can do; others at least show a lower bound.
        const double measured = static_cast<double>(entry.window_bytes) / window;
        const double beyond = entry.health.rate > 0 ? entry.health.rate : plan::tuning::guessed_rate;
        if (at->second.busy > 0 && (entry.busy_all_window || measured > beyond))
            core::note_rate(entry.health, measured);
        entry.window_bytes = 0;
        entry.busy_all_window = at->second.busy > 0;
        refresh(id);
    }
}

std::vector<std::pair<std::string, core::MirrorHealth>> SourceBook::mirrors() const {
    std::vector<std::pair<std::string, core::MirrorHealth>> out;
    for (const auto& [base, id] : mirrors_) out.emplace_back(base, entries_.at(id).health);
    return out;
}

}  // namespace packswarm::broker
