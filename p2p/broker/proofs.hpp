// Proofs: what the store kept over a restart, or somebody touched, is hashed again before anybody is given it: at once
// for who waits, one file at a time for peers, and slowly for nobody (the scrub). What is wrong is dropped.
// Not here: what counts as proven (ports/store.hpp), hashing (ports/trust.hpp). Loop's thread.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "p2p/base/lifetime.hpp"
#include "p2p/base/loop.hpp"
#include "p2p/broker/ports/store.hpp"
#include "p2p/broker/ports/trust.hpp"

namespace packswarm::broker {

class Proofs {
  public:
    enum class Need { awaited, peers };
    // Of a file that is being hashed: bytes below checked are right. Only for files whose piece hashes are recorded.
    using Watch = std::function<void(const KeptFile& file, ByteCount checked)>;

    Proofs(Loop& loop, Store& store, Trust& trust) : loop_(loop), store_(store), trust_(trust) {}
    ~Proofs();
    Proofs(const Proofs&) = delete;

    // then runs when it is proven or was dropped, which store.find() tells; never inside the call.
    void prove(const Digest& digest, Need need, Task then, Watch watch = {});
    bool holds(const Digest& digest) const { return proofs_.count(digest) != 0; }
    bool is_awaited() const { return awaited_ > 0; }  // somebody waits for one
    void set_proven(std::function<void(const Digest&)> hook) { proven_ = std::move(hook); }

    // Hashes what is left at this rate while is_idle says so; 0: never.
    void set_scrub(ByteCount per_second, std::function<bool()> is_idle);

  private:
    struct Proof {
        std::optional<KeptFile> file{};  // once it has begun
        CheckId check = CheckId::none;
        bool is_awaited = false, was_touched = false;
        std::vector<Task> then{};
        std::vector<Watch> watches{};
    };
    void begin_next();
    bool begin(const Digest& digest);
    void go_on(const Digest& digest);
    void stepped(const Digest& digest, Result<ProofStep> step);
    void end(const Digest& digest);
    void scrub();
    void scrub_later(ByteCount hashed);
    bool find_scrubbed();
    void scrubbed(Result<ProofStep> step);

    Loop& loop_;
    Store& store_;
    Trust& trust_;
    std::unordered_map<Digest, Proof> proofs_;
    std::deque<Digest> waiting_, for_peers_;  // not begun
    std::size_t running_ = 0, awaited_ = 0;
    std::function<void(const Digest&)> proven_;
    ByteCount scrub_rate_ = 0;
    std::function<bool()> is_idle_;
    TimerId scrub_timer_ = TimerId::none;
    std::vector<Digest> to_scrub_;
    std::optional<KeptFile> scrubbed_;  // being hashed for nobody
    ByteCount scrub_at_ = 0;            // of its bytes
    CheckId scrub_check_ = CheckId::none;
    Lifetime lifetime_;
};

}  // namespace packswarm::broker
