#include "tests/sim/life.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>

#include "p2p/base/limits.hpp"
#include "p2p/broker/broker.hpp"
#include "p2p/daemon/no_peers.hpp"
#include "p2p/daemon/trust.hpp"
#include "tests/sim/memory_vault.hpp"
#include "tests/support/formats.hpp"
#include "tests/support/test_loop.hpp"
#include "verify/hasher.hpp"

namespace packswarm::test {

namespace {

constexpr std::size_t slots_of_a_peer = 32,
                      slots_of_a_stranger = 2;      // gets open at once; the second while it has proven nothing
constexpr std::size_t fetches_at_a_mirror = 5 + 1;  // one more for bytes that are compared
constexpr auto whole_day = Millis(3'600'000);
constexpr auto afterwards = Millis(15'000);  // for what is still under way to end
const std::string fingerprint(40, 'A');
// How long nobody may be at work on a want: while others are being fetched; while nothing is, and peers may come to
// have it; else.
constexpr double longest_turn_s = 120, longest_wait_s = 62, longest_pause_s = 3.5;

// TrustDesk for every byte; only signatures of indexes, which need a gpg each, are taken as good.
class SimTrust final : public broker::Trust {
  public:
    SimTrust(Workers& workers, Loop& loop) : desk_(workers), loop_(loop) {}
    std::map<core::RepositoryId, broker::OpenedRoot> roots;

    broker::CheckId begin_check(StagedFile file, const Digest& expected) override {
        return desk_.begin_check(std::move(file), expected);
    }
    void advance(broker::CheckId check, ByteCount prefix) override { desk_.advance(check, prefix); }
    void rewind(broker::CheckId check) override { desk_.rewind(check); }
    void finish(broker::CheckId check, broker::Then<VerifiedFile> then) override {
        desk_.finish(check, std::move(then));
    }
    void drop(broker::CheckId check) override { desk_.drop(check); }
    broker::CheckId begin_proof(KeptFile file, PieceHashes pieces) override {
        return desk_.begin_proof(std::move(file), std::move(pieces));
    }
    void go_on(broker::CheckId proof, ByteCount bytes, broker::Then<broker::ProofStep> then) override {
        desk_.go_on(proof, bytes, std::move(then));
    }
    void digest_of(StagedFile file, broker::Then<Digest> then) override {
        desk_.digest_of(std::move(file), std::move(then));
    }
    void piece_hashes(StagedFile file, ByteRange range, ByteCount length, broker::Then<PieceHashes> then) override {
        desk_.piece_hashes(std::move(file), range, length, std::move(then));
    }
    void piece_hashes(StoredFile file, ByteCount length, broker::Then<PieceHashes> then) override {
        desk_.piece_hashes(std::move(file), length, std::move(then));
    }
    void open_root(broker::RootFiles files, broker::Then<broker::OpenedRoot> then) override {
        loop_.post([root = roots.at(files.repository.id), then = std::move(then)] { then(root); });
    }
    void keyring_fingerprints(core::KeyringSpec, broker::Then<std::vector<core::Fingerprint>> then) override {
        loop_.post([then = std::move(then)] { then(std::vector{fingerprint}); });
    }
    void open_packages(StoredFile, core::Format, std::string,
                       broker::Then<std::shared_ptr<const core::CatalogSheet>> then) override {
        loop_.post([then = std::move(then)] { then(fail(ErrorKind::Absent, "no such index")); });
    }
    void open_list(FileHandle, core::Format, core::IndexEntry,
                   broker::Then<std::shared_ptr<const core::CatalogSheet>> then) override {
        loop_.post([then = std::move(then)] { then(fail(ErrorKind::Absent, "no such list")); });
    }
    void check_package(broker::SharedBytes, Bytes, const core::Repository&, core::IndexEntry,
                       broker::Then<void> then) override {
        loop_.post([then = std::move(then)] { then(fail(ErrorKind::Absent, "no signature")); });
    }

  private:
    daemon::TrustDesk desk_;
    Loop& loop_;
};

class SimLedger final : public broker::Ledger {
  public:
    std::vector<broker::Floor> floors() override { return {}; }
    void raise_floors(std::vector<broker::Floor>, broker::Then<void> then) override { then({}); }
    std::vector<std::pair<std::string, core::MirrorHealth>> mirror_health() override { return {}; }
    void save_mirror_health(const std::string&, const core::MirrorHealth&) override {}
    void record(const broker::TransferRecord& transfer) override { transfers.push_back(transfer); }
    std::vector<broker::TransferRecord> transfers;
};

// One agent's way to the mirrors that all share: remembers what they gave to it, and how much it had open at one of
// them.
class Way final : public broker::Mirrors {
  public:
    explicit Way(FakeMirrors& mirrors) : mirrors_(mirrors) {}
    std::map<std::string, core::RangeSet> given;   // by path
    std::map<std::string, std::size_t> most_open;  // by base address
    std::map<broker::FetchId, std::string> open;

    broker::FetchId start(broker::MirrorRequest request, broker::MirrorEvents events) override {
        const auto slash = request.url.find('/', 8), end = request.url.rfind('/');
        const auto base = request.url.substr(0, end), path = request.url.substr(slash);
        const auto id = std::make_shared<broker::FetchId>();
        events.data = [this, path, data = std::move(events.data)](ByteCount offset, Bytes bytes) {
            given[path].add({offset, offset + static_cast<ByteCount>(bytes.size())});
            data(offset, std::move(bytes));
        };
        events.done = [this, id, done = std::move(events.done)](Result<void> result) {
            open.erase(*id);
            done(std::move(result));
        };
        *id = mirrors_.start(std::move(request), std::move(events));
        open[*id] = base;
        const auto now = static_cast<std::size_t>(
            std::count_if(open.begin(), open.end(), [&](const auto& item) { return item.second == base; }));
        most_open[base] = std::max(most_open[base], now);
        return *id;
    }
    void cancel(broker::FetchId fetch) override {
        open.erase(fetch);
        mirrors_.cancel(fetch);
    }

  private:
    FakeMirrors& mirrors_;
};

struct Agent {
    Agent(FakeLoop& loop, FakeMirrors& mirrors, broker::Peers& peers, const std::filesystem::path& folder)
        : way(mirrors),
          trust(loop, loop),
          vault(folder, loop),
          broker(loop, way, peers, vault, ledger, trust, {Millis(0), true, formats::all()}) {}
    Way way;
    SimLedger ledger;
    SimTrust trust;
    store::Vault vault;
    broker::Broker broker;
};

core::Repository repository_of(const Day& day, bool is_private) {
    core::Repository out;
    out.suite = is_private ? "private" : "core";
    out.id = core::RepositoryId("pacman:" + out.suite + ":x86_64");
    out.format = test::pacman();
    out.architectures = {"x86_64"};
    for (const auto& base : day.bases) out.bases.push_back(base + "/" + out.suite);
    out.sharing = is_private ? core::Sharing::forbidden : core::Sharing::allowed;
    return out;
}

broker::OpenedRoot index_of(const Day& day, const core::Repository& repository, WallTime now) {
    broker::OpenedRoot root;
    root.index.format = test::pacman();
    root.index.is_signed = true;
    root.index.signers = {fingerprint};
    root.index.date = now - Seconds(1000);
    root.index.suite = repository.suite;
    for (std::size_t i = 0; i < day.digests.size(); ++i) {
        if (day.is_private[i] != (repository.sharing == core::Sharing::forbidden)) continue;
        core::IndexEntry entry;
        entry.path = day.path(i).substr(day.path(i).rfind('/') + 1);
        entry.size = day.size(i);
        entry.digest = day.digests[i];
        entry.name = "p" + std::to_string(i);
        entry.version = "1-1";
        entry.signature = "in the database";
        root.index.entries.push_back(entry);
    }
    const std::string text = "index of " + repository.id.text();
    root.bundle.assign(text.begin(), text.end());
    root.bundle_digest = root.index.digest = root.index.content = verify::digest_of(as_bytes(text));
    return root;
}

// ---- One day
// ---------------------------------------------------------------------------------------------------------------------

class Life {
  public:
    Life(const Day& day, Company company, const std::filesystem::path& scratch)
        : day_(day), company_(company), mirrors_(loop_) {
        out_.answers.resize(day.wishes.size());
        for (const auto& [base, mirror] : day.mirrors) mirrors_.mirrors[base] = mirror.manner;
        for (std::size_t i = 0; i < day.digests.size(); ++i)
            mirrors_.files[day.path(i)] = day.world.artifacts.at(day.digests[i]).content;
        for (std::size_t i = 0; i < day.agents.size(); ++i) settle(i, scratch / std::to_string(i));
        for (const auto lie : day.lies)
            peers_.push_back(
                std::make_unique<FakePeers>(loop_, day.world, static_cast<unsigned>(peers_.size() + 1), Line{}, lie));
        began_ = loop_.now();
        appoint();
        watch();
    }

    Lived run() {
        const auto is_answered = [this](std::size_t i) {
            return out_.answers[i].times > 0 || out_.answers[i].cancelled || agents_[day_.wishes[i].agent] == nullptr;
        };
        loop_.advance_until(
            [&] {
                for (std::size_t i = 0; i < day_.wishes.size(); ++i)
                    if (!is_answered(i)) return false;
                return true;
            },
            whole_day);
        for (std::size_t i = 0; i < agents_.size(); ++i) end_ahead(i);
        loop_.advance(afterwards);
        for (const auto& [base, bytes] : mirrors_.sent) out_.from_mirrors += bytes;
        for (std::size_t i = 0; i < agents_.size(); ++i) {
            judge_sharing(i);
            if (agents_[i]) judge_bounds(i), judge_blame(i), tell(i);
        }
        for (std::size_t i = 0; i < agents_.size(); ++i) leave(i);
        return std::move(out_);
    }

  private:
    template <class... Args>
    void fault(fmt::format_string<Args...> text, Args&&... args) {
        out_.faults.push_back(fmt::format(text, std::forward<Args>(args)...));
    }

    void settle(std::size_t i, const std::filesystem::path& folder) {
        std::filesystem::create_directories(folder);
        folders_.push_back(folder);
        peers_.push_back(
            std::make_unique<FakePeers>(loop_, day_.world, static_cast<unsigned>(i + 1), day_.agents[i].line));
        auto& peers = company_ == Company::peers ? static_cast<broker::Peers&>(*peers_.back()) : nobody_;
        agents_.push_back(std::make_unique<Agent>(loop_, mirrors_, peers, folder));
        auto& agent = *agents_.back();
        peers_.back()->stored = [&agent](const Digest& digest) { return agent.vault.find(digest); };
        peers_.back()->is_first_hand = [this, &agent](const Digest& digest, ByteRange range) {
            return agent.way.given[path_of(digest)].covers(range);
        };
        agent.broker.book().allow_sharing(day_.agents[i].shares);
        const std::vector<core::Repository> repositories{repository_of(day_, false), repository_of(day_, true)};
        for (const auto& repository : repositories)
            agent.trust.roots[repository.id] = index_of(day_, repository, loop_.wall_now());
        agent.broker.book().set_repositories(core::RepositoryTable(repositories));
        for (const auto& repository : repositories)
            agent.broker.book().accept({repository, {}, std::nullopt}, loop_.wall_now(),
                                       [this](Result<std::shared_ptr<const broker::OpenedRoot>> opened) {
                                           if (!opened) fault("the index is refused: {}", opened.error().message);
                                       });
        for (const auto& repository : repositories)  // its pacman took it from here, a while ago
            agent.broker.database_given(repository.id);
    }

    std::string path_of(const Digest& digest) const {
        const auto at = std::find(day_.digests.begin(), day_.digests.end(), digest);
        return day_.path(static_cast<std::size_t>(at - day_.digests.begin()));
    }

    // Everything that will happen at a known time.
    void appoint() {
        for (const auto& [base, mirror] : day_.mirrors)
            if (mirror.breaks)
                loop_.after(*mirror.breaks,
                            [this, base = base, then = mirror.then] { mirrors_.mirrors[base].fault = then; });
        for (std::size_t i = 0; company_ == Company::peers && i < peers_.size(); ++i)
            loop_.after(i < day_.agents.size() ? day_.agents[i].arrives : Millis(5), [this, i] {
                for (std::size_t other = 0; other < peers_.size(); ++other)
                    if (other < i || (other < day_.agents.size() && other != i)) peers_[i]->meet(*peers_[other]);
            });
        for (std::size_t i = 0; i < day_.agents.size(); ++i)
            if (day_.agents[i].leaves) loop_.after(*day_.agents[i].leaves, [this, i] { leave(i); });
        for (std::size_t i = 0; i < day_.wishes.size(); ++i) loop_.after(day_.wishes[i].at, [this, i] { ask(i); });
        for (std::size_t i = 0; company_ == Company::peers && day_.is_known_ahead && i < day_.agents.size(); ++i)
            look_ahead(i);
    }

    // With the first wish the agent learns all the others. With mirrors alone it does not: then nobody may be later for
    // it.
    void look_ahead(std::size_t i) {
        std::vector<core::PrintedPackage> list;
        std::optional<Millis> first;
        for (const auto& wish : day_.wishes) {
            if (wish.agent != i) continue;
            const auto path = day_.path(wish.artifact);
            list.push_back(
                {day_.is_private[wish.artifact] ? "private" : "core", path.substr(path.rfind('/') + 1), false});
            first = std::min(first.value_or(wish.at), wish.at);
        }
        if (!first) return;
        loop_.after(*first + Millis(1), [this, i, list] {
            if (agents_[i]) agents_[i]->broker.prefetch().want(test::pacman(), list);
        });
        if (day_.ahead_ends) loop_.after(*first + *day_.ahead_ends, [this, i] { end_ahead(i); });
    }
    void end_ahead(std::size_t i) {
        if (agents_[i]) agents_[i]->broker.prefetch().end();
    }

    void leave(std::size_t i) {
        if (!agents_[i]) return;
        peers_[i]->leave_everybody();
        peers_[i]->away = true;
        peers_[i]->stored = [](const Digest&) { return std::nullopt; };
        peers_[i]->is_first_hand = {};
        agents_[i].reset();
    }

    void ask(std::size_t i) {
        const auto& wish = day_.wishes[i];
        if (!agents_[wish.agent]) return;
        broker::Request request;
        request.url = day_.bases.front() + day_.path(wish.artifact);
        request.digest = day_.digests[wish.artifact];
        request.size = day_.size(wish.artifact);
        auto& broker = agents_[wish.agent]->broker;
        const auto id = broker.get(std::move(request), events_for(i));
        if (!wish.cancelled) return;
        loop_.after(*wish.cancelled, [this, i, id, agent = wish.agent] {
            if (!agents_[agent] || out_.answers[i].times > 0) return;
            out_.answers[i].cancelled = true;
            agents_[agent]->broker.cancel(id);
        });
    }

    broker::RequestEvents events_for(std::size_t i) {
        const auto content = [this, i]() -> const std::string& {
            return day_.world.artifacts.at(day_.digests[day_.wishes[i].artifact]).content;
        };
        const auto bytes = std::make_shared<broker::SharedBytes>();
        const auto answered = [this, i](const std::string& error) {
            auto& answer = out_.answers[i];
            if (++answer.times > 1) fault("wish {} is answered {} times", i, answer.times);
            if (answer.cancelled) fault("wish {} is answered after it was cancelled", i);
            answer.at_s = seconds_between(began_, loop_.now());
            answer.error = error;
        };
        broker::RequestEvents events;
        events.started = [bytes](const broker::Started& started) { *bytes = started.bytes; };
        events.progress = [this, i, bytes, content](const broker::Progress& progress) {
            // With one source only its bytes go out as they come, as without us: it is the honest one.
            if (*bytes && !equal(**bytes, content(), progress.safe))
                fault("wish {}: wrong bytes below {}, said to be safe", i, progress.safe);
        };
        events.not_modified = [answered] { answered("not modified"); };
        events.failed = [answered](const Error& error) { answered(error.message); };
        events.delivered = [this, i, answered, content](const broker::Delivered& delivered) {
            answered("");
            out_.answers[i].delivered = true;
            if (delivered.size != static_cast<ByteCount>(content().size()) ||
                !equal(*delivered.bytes, content(), delivered.size))
                fault("wish {}: wrong bytes delivered", i);
        };
        return events;
    }

    // ---- Nothing is forgotten: whatever is wanted has somebody at work on it, or a wait with an end, or fails ----

    void watch() {
        for (std::size_t i = 0; i < agents_.size(); ++i)
            if (agents_[i]) look_for_the_forgotten(i, agents_[i]->broker.board());
        loop_.after(Millis(250), [this] { watch(); });
    }

    void look_for_the_forgotten(std::size_t i, const plan::Board& board) {
        const bool anybody_works = std::any_of(board.wants.begin(), board.wants.end(), [](const auto& item) {
            return item.second.resting || !item.second.claims.empty();
        });
        for (const auto& [id, want] : board.wants) {
            if (want.resting || !want.claims.empty()) continue;
            const auto since =
                std::max({want.created, want.asked, want.grown, want.left, want.swarm.since, want.swarm.last_piece});
            const double waits_s = seconds_between(since, loop_.now()), most_s = anybody_works ? longest_turn_s
                                                                                 : company_ == Company::peers
                                                                                     ? longest_wait_s
                                                                                     : longest_pause_s;
            if (waits_s <= most_s || !told_.insert({i, id}).second) continue;
            fault("agent {}: nobody is at work on want {} for {:.1f} s, {} of {} bytes are here{}", i,
                  static_cast<int>(id), waits_s, want.done.total(), want.size,
                  anybody_works ? "" : ", nor on anything else");
        }
    }

    static bool equal(const FileHandle& file, const std::string& content, ByteCount length) {
        std::string got(static_cast<std::size_t>(length), '\0');
        const auto read = read_at(file, 0, std::span(got));
        return read && *read == got.size() && content.compare(0, got.size(), got) == 0;
    }

    // ---- What must not be ----

    void judge_sharing(std::size_t i) {
        const auto& peers = *peers_[i];
        for (std::size_t artifact = 0; artifact < day_.digests.size(); ++artifact) {
            const auto& digest = day_.digests[artifact];
            if (day_.is_private[artifact] &&
                peers.asked.count(digest) + peers.offered.count(digest) + peers.lent.count(digest) > 0)
                fault("agent {} names private artifact {}", i, artifact);
        }
        for (const auto& lineage : peers.lineages)
            if (lineage.name().find("private") != std::string::npos) fault("agent {} names a private lineage", i);
        if (!day_.agents[i].shares && (peers.sent > 0 || !peers.offered.empty() || !peers.lent.empty()))
            fault("agent {} shares against its owner's will", i);
        if (peers.second_hand > 0) fault("agent {} lends {} pieces that nobody but peers gave", i, peers.second_hand);
    }

    void judge_bounds(std::size_t i) {
        const auto& agent = *agents_[i];
        for (const auto& [peer, most] : peers_[i]->most_gets) {
            const auto lie = peers_[static_cast<std::size_t>(peer) - 1]->lie();
            const bool proves_nothing =
                lie == Lie::garbage_offers || lie == Lie::silence || lie == Lie::absence || lie == Lie::floods;
            const auto slots = proves_nothing ? slots_of_a_stranger : slots_of_a_peer;
            if (most > slots)
                fault("agent {}: {} gets open at peer {} ({})", i, most, static_cast<int>(peer), to_string(lie));
        }
        for (const auto& [origin, most] : agent.way.most_open)
            if (most > fetches_at_a_mirror) fault("agent {}: {} fetches open at {}", i, most, origin);
        if (!agent.way.open.empty())
            fault("agent {}: {} fetches at mirrors outlive their files", i, agent.way.open.size());
        if (peers_[i]->open_gets() > 0)
            fault("agent {}: {} gets at peers outlive their files", i, peers_[i]->open_gets());
        if (!agent.broker.live().empty() || agent.broker.counters().open > 0)
            fault("agent {}: something is still being fetched", i);
        const auto files =
            static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folders_[i]), {}));
        if (files > day_.digests.size() + 2) fault("agent {}: {} files on disk", i, files);
        for (const auto& transfer : agent.ledger.transfers)
            if (transfer.reasons.size() > 200) fault("agent {}: {} reasons", i, transfer.reasons.size());
    }

    // Mirrors are blamed for what they did; and honest peers never, where all mirrors give right bytes: what they lend
    // is theirs.
    void judge_blame(std::size_t i) {
        for (const auto& [base, health] : agents_[i]->broker.sources().mirrors()) {
            const auto& mirror = day_.mirrors.at(base.substr(0, base.find('/', 8)));
            if (health.corrupt > 0 && !mirror.has(MirrorManner::Fault::wrong_bytes))
                fault("agent {} says that {} lies", i, base);
        }
        for (const auto& [peer, times] : peers_[i]->blamed)
            if (static_cast<std::size_t>(peer) <= day_.agents.size() && !day_.mirrors_lie())
                fault("agent {} blames honest peer {}", i, static_cast<int>(peer));
    }

    void tell(std::size_t i) {
        for (const auto& [peer, times] : peers_[i]->blamed)
            out_.trace.push_back(fmt::format("agent {} blames peer {}", i, static_cast<int>(peer)));
        for (const auto& transfer : agents_[i]->ledger.transfers) {
            for (const auto& share : transfer.sources) {
                if (share.kind == broker::SourceKind::cache) continue;
                out_.moved += share.bytes;
                out_.wasted += share.wasted;
            }
            out_.trace.push_back(fmt::format("agent {} {} {} bytes {:.3f} s {}", i, transfer.name, transfer.size,
                                             transfer.seconds, transfer.outcome));
            for (const auto& reason : transfer.reasons) out_.trace.push_back("    " + reason);
        }
        for (const auto& live : agents_[i]->broker.live())
            out_.trace.push_back(
                fmt::format("agent {} {}: {} of {} bytes, not ended", i, live.name, live.received, live.size));
    }

    const Day& day_;
    const Company company_;
    FakeLoop loop_;
    FakeMirrors mirrors_;
    daemon::NoPeers nobody_;
    std::vector<std::filesystem::path> folders_;
    std::vector<std::unique_ptr<FakePeers>> peers_;  // honest ones first; id = place + 1
    std::vector<std::unique_ptr<Agent>> agents_;     // null: it has left
    TimePoint began_{};
    std::set<std::pair<std::size_t, plan::WantId>> told_;  // that nobody is at work on them
    Lived out_;
};

}  // namespace

double Lived::last_of(const Day& day, std::size_t agent) const {
    double out = 0;
    for (std::size_t i = 0; i < day.wishes.size(); ++i)
        if (day.wishes[i].agent == agent) out = std::max(out, answers[i].at_s);
    return out;
}

Lived live(const Day& day, Company company, const std::filesystem::path& scratch) {
    auto out = Life(day, company, scratch).run();
    std::filesystem::remove_all(scratch);
    return out;
}

}  // namespace packswarm::test
