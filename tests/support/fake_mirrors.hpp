// Mirrors for broker tests: serve bytes from a map at a given pace under a virtual clock, and fail in chosen ways.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "p2p/base/loop.hpp"
#include "p2p/broker/ports/answers.hpp"
#include "p2p/broker/ports/mirrors.hpp"

namespace packswarm::test {

struct MirrorManner {
    double rate = 10e6;  // bytes per second of one transfer
    Millis first_byte{20};
    enum class Fault { none, absent, refused_connection, silent, wrong_bytes, dribble } fault = Fault::none;
    double total = 1e12;       // bytes per second of all its transfers together
    unsigned char lie = 0xff;  // wrong bytes are the right ones xor this: two liars need not agree
    ByteCount lies_from = 0;   // of each file: what stands before is right
    int connections = 0;       // that it takes at once, others it closes; 0: any number
    std::string only_for;      // refuses whoever asks by another name; empty: nobody
    // Which parts of a file it gives; for any other it sends the whole file, or a part that it does not name.
    enum class Parts { all, from_the_start, none, unnamed } parts = Parts::all;
};

class FakeMirrors final : public broker::Mirrors {
  public:
    explicit FakeMirrors(Loop& loop) : loop_(loop) {}
    std::map<std::string, std::string> files;     // path -> content
    std::map<std::string, MirrorManner> mirrors;  // origin, "http://a"
    std::map<std::string, ByteCount> sent;        // by origin
    std::map<std::string, int> asked;             // times, by path
    std::map<std::string, WallTime> modified;     // Last-Modified by path; 304 to who names exactly that
    std::map<std::string, std::string> led_to;    // effective URL by path: the server redirected there
    std::vector<std::string> urls;                // asked for, in order
    int most_at_once = 0;

    broker::FetchId start(broker::MirrorRequest request, broker::MirrorEvents events) override {
        const auto id = broker::FetchId{++last_};
        const auto split = request.url.find('/', 8);
        auto& flight = flights_[id];
        flight = {request.url.substr(0, split),
                  request.url.substr(split),
                  std::move(request),
                  std::move(events),
                  0,
                  {},
                  false};
        ++asked[flight.path];
        urls.push_back(flight.origin + flight.path);
        most_at_once = std::max(most_at_once, static_cast<int>(flights_.size()));
        loop_.after(mirrors[flight.origin].first_byte, [this, id] { answer(id); });
        return id;
    }
    void cancel(broker::FetchId fetch) override { end(fetch); }

  private:
    struct Flight {
        std::string origin, path;
        broker::MirrorRequest request;
        broker::MirrorEvents events;
        ByteCount at = 0;
        ByteRange range;
        bool gives = false;
    };
    std::map<broker::FetchId, Flight>::node_type end(broker::FetchId id) {
        auto node = flights_.extract(id);
        if (node && node.mapped().gives) --giving_[node.mapped().origin];
        return node;
    }
    void finish(broker::FetchId id, Result<void> result) { end(id).mapped().events.done(std::move(result)); }
    void answer(broker::FetchId id) {
        const auto found = flights_.find(id);
        if (found == flights_.end()) return;
        auto& flight = found->second;
        using Fault = MirrorManner::Fault;
        const auto& manner = mirrors[flight.origin];
        const auto file = files.find(flight.path);
        if (manner.fault == Fault::refused_connection)
            return finish(id, fail(ErrorKind::Transient, "connection refused"));
        if (!manner.only_for.empty() && flight.request.terms.user_agent != manner.only_for)
            return finish(id, fail(ErrorKind::Refused, "403"));
        if (manner.connections > 0 && giving_[flight.origin] >= manner.connections)
            return finish(id, fail(ErrorKind::Transient, "connection reset"));
        if (manner.fault == Fault::absent || file == files.end()) return finish(id, fail(ErrorKind::Absent, "404"));
        if (manner.fault == Fault::silent) return fall_silent(id);
        const auto date = modified.find(flight.path);
        if (date != modified.end() && flight.request.if_modified_since == date->second) {
            broker::MirrorHead unchanged;
            unchanged.not_modified = true;
            unchanged.effective_url = effective(flight);
            if (flight.events.head) flight.events.head(unchanged);
            return finish(id, {});
        }
        const auto size = static_cast<ByteCount>(file->second.size());
        broker::MirrorHead head;
        head.total_size = size;
        head.effective_url = effective(flight);
        if (date != modified.end()) head.last_modified = date->second;
        head.first_byte_s = static_cast<double>(manner.first_byte.count()) / 1000;
        flight.range =
            flight.request.range.value_or(ByteRange{0, std::min(size, flight.request.enough.value_or(size))});
        head.ignores_range = flight.request.range && !gives_part(manner, *flight.request.range);
        const bool is_usable = !head.ignores_range || (manner.parts != MirrorManner::Parts::unnamed &&
                                                       (flight.request.takes_whole || flight.range.begin == 0));
        if (head.ignores_range && is_usable && flight.request.takes_whole) flight.range = {0, size};
        flight.at = flight.range.begin;
        flight.gives = true;
        ++giving_[flight.origin];
        if (const auto tell = flight.events.head) tell(head);  // it may end this fetch
        if (flights_.count(id) == 0) return;
        if (!is_usable) return finish(id, fail(ErrorKind::Refused, "the server ignores ranges"));
        step(id);
    }
    std::string effective(const Flight& flight) const {
        const auto led = led_to.find(flight.path);
        return led == led_to.end() ? flight.origin + flight.path : led->second;
    }
    static bool gives_part(const MirrorManner& manner, ByteRange range) {
        return manner.parts == MirrorManner::Parts::all ||
               (manner.parts == MirrorManner::Parts::from_the_start && range.begin == 0);
    }
    void fall_silent(broker::FetchId id) {
        loop_.after(flights_.at(id).request.stall_timeout, [this, id] {
            if (flights_.count(id) != 0) finish(id, fail(ErrorKind::Transient, "silent"));
        });
    }
    void step(broker::FetchId id) {
        const auto found = flights_.find(id);
        if (found == flights_.end()) return;
        auto& flight = found->second;
        const auto& manner = mirrors[flight.origin];
        if (manner.fault == MirrorManner::Fault::refused_connection)
            return finish(id, fail(ErrorKind::Transient, "connection reset"));
        if (manner.fault == MirrorManner::Fault::silent) return fall_silent(id);
        const double shared = manner.total / std::max(1, giving_[flight.origin]);
        const double rate = manner.fault == MirrorManner::Fault::dribble ? 5000 : std::min(manner.rate, shared);
        const auto length = std::min<ByteCount>(std::max<ByteCount>(1, static_cast<ByteCount>(rate * 0.01)),
                                                flight.range.end - flight.at);
        if (length <= 0) return finish(id, {});
        const auto& content = files.at(flight.path);
        Bytes data(content.begin() + flight.at, content.begin() + flight.at + length);
        if (manner.fault == MirrorManner::Fault::wrong_bytes)
            for (ByteCount at = 0; at < length; ++at)
                if (flight.at + at >= manner.lies_from)
                    data[static_cast<std::size_t>(at)] ^= static_cast<char>(manner.lie);
        sent[flight.origin] += length;
        const auto offset = flight.at;
        flight.at += length;
        loop_.after(Millis(10), [this, id] { step(id); });
        flight.events.data(offset, std::move(data));
    }

    Loop& loop_;
    std::map<broker::FetchId, Flight> flights_;
    std::map<std::string, int> giving_;  // transfers that bytes flow in
    std::uint64_t last_ = 0;
};

}  // namespace packswarm::test
