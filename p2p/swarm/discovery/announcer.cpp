#include "p2p/swarm/discovery/announcer.hpp"

#include <algorithm>

namespace packswarm::swarm {

namespace {

using namespace std::chrono_literals;

constexpr auto hour = std::chrono::hours(1);
constexpr int lifetime_min = 40;  // nodes keep an announce for 45 minutes

}  // namespace

void Announcer::start() {
    if (per_hour_ <= 0) return;
    session_.every(std::chrono::duration_cast<Millis>(hour) / per_hour_, [this] { announce_next(); });
}

void Announcer::consider(const Infohash& infohash) {
    if (per_hour_ <= 0) return;
    if (const auto known = places_.find(infohash); known != places_.end())
        return entries_.splice(entries_.begin(), entries_, known->second);
    entries_.push_front({infohash, {}});
    places_[infohash] = entries_.begin();
    const auto alive = static_cast<std::size_t>(std::max(1, per_hour_ * lifetime_min / 60));
    if (entries_.size() > alive) forget(Infohash(entries_.back().infohash));
}

void Announcer::forget(const Infohash& infohash) {
    const auto place = places_.extract(infohash);
    if (place) entries_.erase(place.mapped());
}

void Announcer::announce_next() {
    while (!sent_.empty() && sent_.front() <= now() - hour) sent_.pop_front();
    const auto oldest = std::min_element(entries_.begin(), entries_.end(),
                                         [](const Entry& a, const Entry& b) { return a.announced < b.announced; });
    const bool can = oldest != entries_.end() && dht_.nodes() > 0 && gate_.lets(broker::Reach::wan);
    if (can) {
        oldest->announced = now();
        sent_.push_back(oldest->announced);
        dht_.announce(lt::sha1_hash(oldest->infohash.raw().data()));
    }
    gate_.count_announces(can ? 1 : 0, sent_.size());
}

}  // namespace packswarm::swarm
