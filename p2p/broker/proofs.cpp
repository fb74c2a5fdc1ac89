#include "p2p/broker/proofs.hpp"

#include <algorithm>
#include <utility>

#include "p2p/base/limits.hpp"
#include "p2p/base/loop.hpp"

namespace packswarm::broker {

namespace {
constexpr auto scrub_look = Seconds(5);             // whether it is quiet
constexpr ByteCount scrub_cost = 16 * limits::kib;  // of a file, however small: it is opened and looked up
constexpr auto scrub_pass = Seconds(300);           // after all was hashed: what was touched meanwhile
}  // namespace

Proofs::~Proofs() {
    lifetime_.end();
    loop_.cancel(scrub_timer_);
}

void Proofs::prove(const Digest& digest, Need need, Task then, Watch watch) {
    const auto [at, is_new] = proofs_.try_emplace(digest);
    Proof& proof = at->second;
    if (then) proof.then.push_back(std::move(then));
    if (watch) proof.watches.push_back(std::move(watch));
    if (need == Need::awaited && !std::exchange(proof.is_awaited, true)) {
        ++awaited_;
        if (!proof.file) waiting_.push_back(digest);
    } else if (is_new) {
        for_peers_.push_back(digest);
    }
    loop_.post(lifetime_.guard([this] { begin_next(); }));
}

// Peers' turn comes when nobody of this machine waits, and then one at a time: a stranger may ask for all there is.
void Proofs::begin_next() {
    const auto take = [this](std::deque<Digest>& line) {
        const auto digest = line.front();
        line.pop_front();
        const auto at = proofs_.find(digest);
        if (at == proofs_.end() || at->second.file) return;  // it was in both lines
        if (!begin(digest)) end(digest);
    };
    while (!waiting_.empty() && running_ < limits::max_proofs) take(waiting_);
    while (!for_peers_.empty() && running_ == 0) take(for_peers_);
}

bool Proofs::begin(const Digest& digest) {
    auto& proof = proofs_.at(digest);
    if (store_.find(digest)) return false;  // it is proven
    auto file = store_.kept(digest);
    if (!file) return false;
    const auto record = store_.record(digest);
    proof.file = *file;
    proof.check = trust_.begin_proof(std::move(*file), record ? record->pieces : PieceHashes{});
    ++running_;
    go_on(digest);
    return true;
}

void Proofs::go_on(const Digest& digest) {
    trust_.go_on(proofs_.at(digest).check, limits::proof_step,
                 lifetime_.guard([this, digest](Result<ProofStep> step) { stepped(digest, std::move(step)); }));
}

void Proofs::stepped(const Digest& digest, Result<ProofStep> step) {
    auto& proof = proofs_.at(digest);
    if (step && !step->proven) {
        go_on(digest);
        for (const auto& watch : proof.watches)
            if (step->checked > 0) watch(*proof.file, step->checked);
        return;
    }
    --running_;
    const auto file = *std::exchange(proof.file, std::nullopt);
    if (!step) {
        store_.drop_rotten(file, step.error());
    } else if (store_.take_proof(*step->proven)) {
        if (proven_) proven_(digest);
    } else if (!std::exchange(proof.was_touched, true)) {
        if (begin(digest)) return;
    } else {
        store_.drop_rotten(file, {ErrorKind::Corrupt, "somebody writes to it"});
    }
    end(digest);
    begin_next();
}

void Proofs::end(const Digest& digest) {
    const auto ended = std::move(proofs_.extract(digest).mapped());
    if (ended.is_awaited) --awaited_;
    for (const auto& then : ended.then) loop_.post(then);
}

// ---- The scrub -------------------------------------------------------------------------------------------------

void Proofs::set_scrub(ByteCount per_second, std::function<bool()> is_idle) {
    scrub_rate_ = per_second;
    is_idle_ = std::move(is_idle);
    loop_.cancel(std::exchange(scrub_timer_, TimerId::none));
    if (scrub_rate_ > 0) scrub_later(0);
}

void Proofs::scrub_later(ByteCount hashed) {
    const auto rest = Millis(hashed * 1000 / std::max<ByteCount>(1, scrub_rate_));
    loop_.cancel(scrub_timer_);
    scrub_timer_ = loop_.after(hashed > 0 ? rest : Millis(scrub_look), [this] {
        scrub_timer_ = TimerId::none;
        scrub();
    });
}

void Proofs::scrub() {
    if (scrub_rate_ == 0) return;
    if (!proofs_.empty() || !is_idle_()) return scrub_later(0);
    if (scrub_check_ == CheckId::none && !find_scrubbed()) {
        scrub_timer_ = loop_.after(scrub_pass, [this] {
            scrub_timer_ = TimerId::none;
            scrub();
        });
        return;
    }
    trust_.go_on(scrub_check_, limits::scrub_step,
                 lifetime_.guard([this](Result<ProofStep> step) { scrubbed(std::move(step)); }));
}

// The next of those that are not proven; false: all are.
bool Proofs::find_scrubbed() {
    if (to_scrub_.empty())
        for (const auto& digest : store_.digests())
            if (!store_.brief(digest)->mark.is_proven()) to_scrub_.push_back(digest);
    while (!to_scrub_.empty()) {
        const auto digest = to_scrub_.back();
        to_scrub_.pop_back();
        const auto brief = store_.brief(digest);
        if (!brief || brief->mark.is_proven()) continue;
        scrubbed_ = store_.kept(digest);
        if (!scrubbed_) continue;
        scrub_at_ = 0;
        const auto record = store_.record(digest);
        scrub_check_ = trust_.begin_proof(*scrubbed_, record ? record->pieces : PieceHashes{});
        return true;
    }
    return false;
}

void Proofs::scrubbed(Result<ProofStep> step) {
    const auto hashed = std::min(limits::scrub_step, scrubbed_->size() - scrub_at_);
    scrub_at_ += hashed;
    if (!step || step->proven) {
        const auto file = *std::exchange(scrubbed_, std::nullopt);
        scrub_check_ = CheckId::none;
        if (!step) store_.drop_rotten(file, step.error());
        if (step && store_.take_proof(*step->proven) && proven_) proven_(file.digest());
    }
    scrub_later(hashed + scrub_cost);
}

}  // namespace packswarm::broker
