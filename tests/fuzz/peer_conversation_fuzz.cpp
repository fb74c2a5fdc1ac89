// rooms: swarm
// A whole conversation with one peer: its messages in any order, and in between what this side asks for, fetches, gives
// up and waits for. Nothing comes that was not asked for, each byte once, each fetch ends once, and what waits to leave
// stays within its room. Input: steps, a byte each with what belongs to it.
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "p2p/core/range_set.hpp"
#include "p2p/swarm/channel/giver.hpp"
#include "p2p/swarm/channel/lending.hpp"
#include "p2p/swarm/channel/taker.hpp"
#include "p2p/swarm/offered_files.hpp"

using namespace packswarm;
using namespace packswarm::swarm;

namespace {

constexpr ByteCount room = 256 << 10;
constexpr ByteCount lent_size = 600 << 10;

Digest digest_of(unsigned char byte) {
    return Digest::from_raw(std::string(Digest::size, static_cast<char>(byte)).data());
}

// Part of it may be given.
const StagedFile& lent() {
    static const StagedFile file = [] {
        const auto memory = std::filesystem::exists("/dev/shm") ? "/dev/shm" : "/tmp";
        return *StagedFile::create(
            std::filesystem::path(memory) / ("packswarm-lent-fuzz-" + std::to_string(::getpid())), lent_size);
    }();
    return file;
}

void require(bool holds) {
    if (!holds) std::abort();
}

struct FakeWire final : Wire {
    void send(Bytes framed) override {
        require(framed.size() >= frame_size && !broken);
        waiting += static_cast<ByteCount>(framed.size());
        most = std::max(most, waiting);
    }
    ByteCount queued() override { return waiting; }
    void breach(const std::string&) override { broken = true; }

    ByteCount waiting = 0, most = 0;
    bool broken = false;
};

class Conversation {
  public:
    Conversation() {
        lending_.lend(digest_of(1), lent(), {});
        lending_.add(digest_of(1), 0);
    }
    ~Conversation() {
        taker_.fail_all({ErrorKind::Transient, "gone"});
        for (const auto& [id, fetch] : fetches_) require(fetch.ended == 1 || fetch.cancelled);
    }

    void run(ByteView input) {
        while (!input.empty() && !wire_.broken) {
            const auto step = static_cast<unsigned char>(input[0]);
            input = input.subspan(1);
            if (step % 8 < 4)
                heard(cut(input));
            else
                own(step % 8, number(input));
            if (wire_.broken) return;
            const auto before = wire_.waiting;
            giver_.pump();
            require(wire_.waiting <= std::max(before, room) + limits::max_data_block + (1 << 16));
            taker_.pump(now_);
        }
    }

  private:
    struct Fetch {
        ByteRange range;
        core::RangeSet got;
        int ended = 0;
        bool cancelled = false;
    };

    static unsigned number(ByteView& input) {
        if (input.empty()) return 0;
        const auto out = static_cast<unsigned char>(input[0]);
        input = input.subspan(1);
        return out;
    }
    static ByteView cut(ByteView& input) {
        std::size_t length = 0;
        for (int i = 0; i < 3; ++i) length = length * 256 + number(input);
        const auto out = input.first(std::min(input.size(), length));
        input = input.subspan(out.size());
        return out;
    }

    void heard(ByteView bytes) {
        const auto message = decode(bytes);
        if (!message) return wire_.breach("");
        if (const auto* ask = std::get_if<Ask>(&*message)) giver_.take(*ask, now_);
        if (const auto* get = std::get_if<Get>(&*message)) giver_.take(*get);
        if (const auto* cancel = std::get_if<Cancel>(&*message)) giver_.take(*cancel);
        if (const auto* tell = std::get_if<Tell>(&*message)) taker_.take(*tell, now_);
        if (const auto* data = std::get_if<Data>(&*message)) taker_.take(*data);
        if (const auto* have = std::get_if<Have>(&*message)) taker_.take(*have, now_);
        if (const auto* refuse = std::get_if<Refuse>(&*message)) taker_.take(*refuse);
    }

    void own(unsigned what, unsigned value) {
        if (what == 4) taker_.ask({digest_of(static_cast<unsigned char>(value)), digest_of(2)});
        if (what == 5) {
            const auto id = broker::FetchId(fetches_.size() + 1);
            const ByteRange range{value * 100, value * 100 + 1 + (value % 7) * 100'000};
            fetches_[id].range = range;
            taker_.get(id, digest_of(static_cast<unsigned char>(value)), range);
        }
        if (what == 6) {
            now_ += Millis(value * 100);
            wire_.waiting = 0;  // all has left
            lending_.expire(now_);
            giver_.news(digest_of(1), now_);
        }
        if (what == 7) {
            const auto id = broker::FetchId(value % 8);
            if (taker_.cancel(id)) fetches_.at(id).cancelled = true;
        }
    }

    TakerEvents events() {
        TakerEvents out;
        out.told = [](const std::vector<Told>&) {};
        out.lends = [](const Have&) {};
        out.congested = [] { return false; };
        out.data = [this](broker::FetchId id, ByteCount offset, const Bytes& bytes) {
            auto& fetch = fetches_.at(id);
            const ByteRange range{offset, offset + static_cast<ByteCount>(bytes.size())};
            require(!wire_.broken && fetch.ended == 0 && !fetch.cancelled);
            require(range.begin >= fetch.range.begin && range.end <= fetch.range.end);
            for (const auto& gap : fetch.got.gaps(range)) require(gap.begin == range.begin && gap.end == range.end);
            fetch.got.add(range);
        };
        out.done = [this](broker::FetchId id, const Result<void>& result) {
            auto& fetch = fetches_.at(id);
            require(++fetch.ended == 1 && !fetch.cancelled);
            require(!result || fetch.got.covers(fetch.range));
        };
        return out;
    }

    TimePoint now_{std::chrono::seconds(1000)};
    FakeWire wire_;
    OfferedFiles offered_{nullptr};
    Lending lending_;
    std::map<broker::FetchId, Fetch> fetches_;
    AskedByAll asked_;
    Giver giver_{wire_,
                 offered_,
                 lending_,
                 asked_,
                 {[](const OfferedFile&) { return true; }, [](const LineageId&) { return true; }, [](ByteCount) {}},
                 room};
    Taker taker_{wire_, events(), {}};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Conversation().run({reinterpret_cast<const char*>(data), size});
    return 0;
}
