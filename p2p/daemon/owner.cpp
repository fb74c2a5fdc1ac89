#include "p2p/daemon/owner.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/broker/health_facts.hpp"
#include "p2p/core/repository_table.hpp"
#include "p2p/daemon/owner_prefetch.hpp"
#include "p2p/daemon/owner_status.hpp"

namespace packswarm::daemon {

using json = nlohmann::json;

namespace {

std::int64_t epoch(WallTime time) { return time.time_since_epoch().count(); }
std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }
json text_or_null(const std::string& text) { return text.empty() ? json(nullptr) : json(text); }

// What an update would not notice is a warning; what keeps this machine from the newest packages is a failure.
const char* check_state(core::Health health) {
    switch (health) {
        case core::Health::live:
            return "ok";
        case core::Health::unread:
        case core::Health::ageing:
            return "warn";
        default:
            return "fail";
    }
}

json transfer_json(const broker::TransferRecord& row) {
    return {{"name", row.name},
            {"asker", row.asker},
            {"transaction", row.transaction},
            {"sha256", row.digest ? json(row.digest->hex()) : json(nullptr)},
            {"size", row.size},
            {"started", epoch(row.started)},
            {"seconds", row.seconds},
            {"outcome", row.outcome},
            {"sources", json_of(sources_of(row.sources))},
            {"reasons", row.reasons}};
}

std::string file_answer(const std::string& path, const std::string& state, const std::optional<Digest>& digest,
                        ByteCount size, const std::optional<Error>& why = {}) {
    return dump({{"path", path},
                 {"state", state},
                 {"sha256", digest ? json(digest->hex()) : json(nullptr)},
                 {"size", size},
                 {"message", why ? json(why->message) : json(nullptr)},
                 {"kind", why ? json(to_string(why->kind)) : json(nullptr)}});
}

std::string refusal(const std::string& path, const Error& why, const std::optional<Digest>& digest,
                    ByteCount size = 0) {
    return file_answer(path, "refused", digest, size, why);
}

}  // namespace

Owner::Owner(AgentView agent) : agent_(std::move(agent)), started_(agent_.loop.now()) {}

void Owner::answer(control::Question question, Answer then) {
    if (question.owner) return answer_at_once(std::move(question), std::move(then));
    const auto uid = question.uid;
    const auto begun = agent_.loop.now();
    if (const auto wait = question_time_.wait_of(uid, begun); wait > Seconds(0))
        return then(fail(ErrorKind::Transient,
                         "this user's questions have taken much of the agent's time: ask again in {} s", wait.count()));
    answer_at_once(std::move(question), std::move(then));
    const auto ended = agent_.loop.now();
    question_time_.took(uid, std::chrono::duration<double>(ended - begun).count(), ended);
}

void Owner::answer_at_once(control::Question question, Answer then) {
    if (question.op == "refresh") return refresh(std::move(then));
    if (question.op == "accept") return then(accept(question));
    if (question.op.starts_with("prefetch")) return then(answer_of_prefetch(agent_.prefetch, question.op));
    if (question.op == "share" || question.op == "import") return take_file(std::move(question), std::move(then));
    if (question.op == "import_root") return take_root(std::move(question), std::move(then));
    if (question.op == "bundle") return then(bundle());
    if (question.op == "stored") return then(stored(question.args));
    const Sight sight(agent_.broker.book(), question.owner);
    if (question.op == "status") return then(dump(json_of(owner_status(agent_, started_, sight))));
    if (question.op == "explain") return then(explain(question.args, sight));
    if (question.op == "mirrors") return then(mirrors(sight));
    if (question.op == "peers") return then(peers());
    if (question.op == "doctor") return then(doctor(sight));
    then(fail(ErrorKind::Refused, "there is no operation {}", printable(question.op)));
}

std::string Owner::explain(const control::Arguments& args, const Sight& sight) const {
    constexpr std::int64_t most_rows = 500, usual_rows = 20;
    const auto& query = args.package;
    const auto limit = static_cast<std::size_t>(std::min(args.limit.value_or(usual_rows), most_rows));
    auto& book = agent_.broker.book();
    std::vector<core::CatalogHit> hits = book.catalog().named(query);
    if (const auto digest = Digest::parse(query))
        if (auto hit = book.find(*digest)) hits.push_back(std::move(*hit));
    json out = {
        {"query", query}, {"entries", json::array()}, {"repositories", json::array()}, {"transfers", json::array()}};
    std::set<core::RepositoryId> named;
    for (const auto& hit : hits) {
        if (!sight.has(hit)) continue;
        named.insert(hit.repository);
        const auto* repository = book.table().find(hit.repository);
        out["entries"].push_back({{"name", hit.entry.name},
                                  {"version", hit.entry.version},
                                  {"architecture", hit.entry.architecture},
                                  {"path", hit.entry.path},
                                  {"repository", hit.repository.text()},
                                  {"size", hit.entry.size},
                                  {"sha256", hit.entry.digest.hex()},
                                  {"stored", agent_.vault.brief(hit.entry.digest).has_value()},
                                  {"offered", book.is_offered(hit.entry.digest)},
                                  {"private", repository == nullptr || !book.is_public(*repository)}});
        if (out["entries"].size() >= limit) break;
    }
    for (const auto& id : named) {
        const auto* repository = book.table().find(id);
        if (repository == nullptr) continue;
        const auto health = broker::health_of(book, *repository, agent_.loop.wall_now());
        out["repositories"].push_back(
            {{"id", id.text()}, {"state", core::to_string(health.health)}, {"sentence", health.sentence}});
    }
    const auto may_show = [&sight](const std::optional<Digest>& digest) { return sight.has(digest); };
    for (const auto& row : agent_.ledger.transfers_named(query, limit, most_rows, may_show))
        out["transfers"].push_back(transfer_json(row));
    return dump(out);
}

std::string Owner::mirrors(const Sight& sight) const {
    json out = {{"mirrors", json::array()}};
    const auto now = agent_.loop.wall_now();
    for (const auto& [base, health] : agent_.broker.sources().mirrors()) {
        if (!sight.has_mirror(base)) continue;
        json repositories = json::array();
        for (const auto& repository : agent_.broker.book().table().all())
            if (sight.has(repository) &&
                std::find(repository.bases.begin(), repository.bases.end(), base) != repository.bases.end())
                repositories.push_back(repository.id.text());
        const bool usable = core::is_usable(health, now);
        out["mirrors"].push_back({{"base", base},
                                  {"repositories", repositories},
                                  {"usable", usable},
                                  {"back_in_s", usable ? json(nullptr) : json((*health.back_at - now).count())},
                                  {"first_byte_s", health.first_byte_s},
                                  {"rate", health.rate},
                                  {"good", health.good},
                                  {"absent", health.absent},
                                  {"corrupt", health.corrupt},
                                  {"errors", health.errors},
                                  {"ranges", health.ranges}});
    }
    return dump(out);
}

std::string Owner::peers() const {
    json discovery = json::array();
    if (agent_.config.swarm.lan_discovery) discovery.push_back("lan");
    if (!agent_.config.swarm.static_peers.empty()) discovery.push_back("static");
    if (agent_.swarm_room != nullptr && agent_.swarm_room->discovery().dht_is_on) discovery.push_back("dht");
    if (!agent_.config.swarm.trackers.empty()) discovery.push_back("trackers");
    json out = {{"listen", text_or_null(agent_.swarm)}, {"discovery", discovery}, {"peers", json::array()}};
    if (agent_.swarm_room != nullptr) {
        const auto now = meeting();
        out["internet"] = to_string(now.internet);
        out["scope"] = scope_text(now);
        out["reached"] = now.was_reached;
        out["reach"] = text_or_null(reach_text(now));
    }
    for (const auto& peer : agent_.peers.view()) {
        json lineages = json::array();
        for (const auto& lineage : peer.lineages) lineages.push_back(lineage.name());
        out["peers"].push_back({{"endpoint", peer.endpoint},
                                {"agent", printable(peer.agent)},
                                {"reach", peer.reach == broker::Reach::lan ? "lan" : "wan"},
                                {"lineages", lineages},
                                {"received", peer.received},
                                {"sent", peer.sent}});
    }
    return dump(out);
}

Meeting Owner::meeting() const {
    auto out = meeting_of(agent_.config, agent_.swarm_room->discovery());
    for (const auto& peer : agent_.peers.view()) {
        ++out.linked;
        out.linked_far += peer.reach == broker::Reach::wan ? 1 : 0;
    }
    return out;
}

void Owner::refresh(Answer then) {
    struct Round {
        json rows = json::array();
        std::size_t left = 0;
        Answer then;
    };
    auto round = std::make_shared<Round>();
    round->then = std::move(then);
    const auto repositories = agent_.broker.book().table().all();
    round->left = repositories.size();
    if (repositories.empty()) return round->then(dump(json{{"repositories", round->rows}}));
    for (const auto& repository : repositories) {
        const auto& state = agent_.broker.book().states().at(repository.id);
        const auto before = state.root ? state.root->bundle_digest : Digest{};
        agent_.broker.refresh(repository.id, [round, id = repository.id, before](Result<broker::RootAnswer> answer) {
            json row = {{"id", id.text()}};
            if (answer && answer->opened) {
                row["state"] = answer->opened->bundle_digest == before ? "unchanged" : "updated";
                row["date"] = epoch(answer->opened->index.date);
            } else {
                row["state"] = "failed";
                row["message"] = answer ? "no answer" : answer.error().message;
            }
            round->rows.push_back(std::move(row));
            if (--round->left == 0) round->then(dump({{"repositories", round->rows}}));
        });
    }
}

// Root lets an index that is older than one seen before, or expired, count for a while; nobody else may, since it is
// what protects the machine from a mirror that goes back.
Result<std::string> Owner::accept(const control::Question& question) {
    constexpr Seconds longest{30 * 86'400};
    const auto& args = question.args;
    if (question.uid != 0) return fail(ErrorKind::Refused, "only root may accept an older or an expired index");
    const bool is_older = args.leave == "older";
    if (!is_older && args.leave != "expired")
        return fail(ErrorKind::Refused, "what is to be accepted: \"older\" or \"expired\"");
    const Seconds span(args.seconds.value_or(86'400));
    if (span < Seconds(1) || span > longest) return fail(ErrorKind::Refused, "for between 1 second and 30 days");
    auto& book = agent_.broker.book();
    const auto until = agent_.loop.wall_now() + span;
    json out = {{"repositories", json::array()}, {"leave", args.leave}, {"until", epoch(until)}};
    std::string known;
    for (const auto& repository : book.table().all()) {
        known += (known.empty() ? "" : ", ") + repository.id.text();
        if (repository.id.text() != args.repository && repository.suite != args.repository) continue;
        book.give_leave(repository.id, {is_older, !is_older}, until);
        out["repositories"].push_back(repository.id.text());
        spdlog::warn("{}: an {} index counts for {}, as root said", repository.id, args.leave,
                     core::age_in_words(span));
    }
    if (out["repositories"].empty())
        return fail(ErrorKind::Refused, "no repository is called {}; known: {}", printable(args.repository),
                    known.empty() ? "none" : known);
    return dump(out);
}

// A file that the owner has: taken when an index that the agent trusts lists its bytes.
void Owner::take_file(control::Question question, Answer then) {
    const auto path = question.args.path;
    const auto told = question.args.digest;
    if (!question.file.open()) return then(refusal(path, {ErrorKind::Refused, "no file came with the question"}, told));
    if (told && agent_.vault.find(*told))
        return then(file_answer(path, "known", told, agent_.vault.brief(*told)->mark.size()));
    if (told && agent_.vault.brief(*told)) {  // as an earlier start left it: it is hashed before it counts
        auto again = std::make_shared<control::Question>(std::move(question));
        return agent_.broker.proofs().prove(*told, broker::Proofs::Need::awaited, [this, again, then, told] {
            if (!agent_.vault.find(*told)) agent_.vault.remove(*told);
            take_file(std::move(*again), then);
        });
    }
    take_new_file(std::move(question), std::move(then));
}

void Owner::take_new_file(control::Question question, Answer then) {
    const auto path = question.args.path;
    const auto told = question.args.digest;
    const std::string taken = question.op == "share" ? "shared" : "taken";
    const auto wants_public = question.op == "share" ? WantsPublic::yes : WantsPublic::no;
    if (told) {  // nothing is copied in vain
        const auto info = file_info(question.file.handle());
        const auto fits = info ? fits_index(*told, info->size) : tl::unexpected(info.error());
        if (!fits) return then(refusal(path, fits.error(), told));
    }
    agent_.vault.adopt(question.file.take(), store::Adopt::cheapest,
                       [this, path, then, told, taken, wants_public](Result<store::Adopted> adopted) {
                           if (!adopted) return then(refusal(path, adopted.error(), told));
                           const auto take = [this, file = adopted->file, path, then, taken,
                                              wants_public](Result<Digest> digest) {
                               if (!digest) return then(refusal(path, digest.error(), {}));
                               keep(file, *digest, wants_public,
                                    [path, then, taken, digest = *digest, size = file.size()](Result<bool> kept) {
                                        if (!kept) return then(refusal(path, kept.error(), digest, size));
                                        then(file_answer(path, *kept ? taken : "known", digest, size));
                                    });
                           };
                           if (told) return take(*told);
                           agent_.trust.digest_of(adopted->file, take);
                       });
}

Result<void> Owner::fits_index(const Digest& digest, ByteCount size) const {
    const auto hit = agent_.broker.book().find(digest);
    if (!hit)
        return fail(ErrorKind::Absent,
                    "no verified index lists these bytes; run 'packswarm refresh' when the index is newer");
    if (hit->entry.size != size)
        return fail(ErrorKind::Corrupt, "it has {} bytes, and the index says {}", size, hit->entry.size);
    return {};
}

// then: whether it was new. Of a list: once what it lists is known.
void Owner::keep(const StagedFile& file, const Digest& digest, WantsPublic wants_public, broker::Then<bool> then) {
    if (agent_.vault.find(digest)) return then(false);
    if (const auto fits = fits_index(digest, file.size()); !fits) return then(tl::unexpected(fits.error()));
    const auto hit = agent_.broker.book().find(digest);
    const auto* repository = agent_.broker.book().table().find(hit->repository);
    if (wants_public == WantsPublic::yes && (repository == nullptr || !agent_.broker.book().is_public(*repository)))
        return then(fail(ErrorKind::Refused, "its repository is private"));
    agent_.trust.finish(
        agent_.trust.begin_check(file, digest), [this, then, name = hit->entry.path](Result<VerifiedFile> verified) {
            if (!verified) return then(tl::unexpected(verified.error()));
            agent_.broker.publish(std::move(*verified), name, {}, [this, then](Result<StoredFile> stored) {
                if (!stored) return then(tl::unexpected(stored.error()));
                agent_.broker.parcels().when_read(stored->digest(), [then] { then(true); });
            });
        });
}

void Owner::check_peers(const AddCheck& add) const {
    if (agent_.swarm_room == nullptr) return;
    const auto now = meeting();
    const auto check = check_meeting(now);
    add("meeting", check.state, check.message, check.remedy);
    if (const auto reach = reach_text(now); !reach.empty()) add("reach", "ok", reach, "");
}

std::string Owner::doctor(const Sight& sight) const {
    json checks = json::array();
    const auto add = [&](const std::string& name, const char* state, const std::string& message,
                         const std::string& remedy = "") {
        checks.push_back({{"name", name}, {"state", state}, {"message", message}, {"remedy", text_or_null(remedy)}});
    };
    auto& book = agent_.broker.book();
    WallTime newest{};
    for (const auto& floor : agent_.ledger.floors()) newest = std::max(newest, floor.date);
    if (agent_.loop.wall_now() + Seconds(10) < newest)
        add("clock", "fail", "the clock is behind the newest verified index",
            "set the clock (timedatectl set-ntp true)");
    else
        add("clock", "ok", "not behind the newest verified index");
    const auto usage = agent_.vault.usage();
    if (usage.is_short_of_inodes())
        add("store", "warn",
            fmt::format("{} inodes are free on the file system of {}, and {} of them stay free: little can be kept",
                        *usage.disk->inodes, agent_.config.store.folder.string(), usage.disk->inode_reserve),
            "delete files there that nobody needs (df -i counts them), or move state_dir");
    if (const auto& aside = agent_.ledger.what_was_set_aside(); !aside.empty())
        add("ledger", "warn", aside,
            "delete the file that was kept when nobody needs it; damaged files may mean a failing disk");
    const bool tight = usage.is_short_of_bytes(agent_.config.store.reserve);
    if (tight || !usage.is_short_of_inodes())
        add("store", tight ? "warn" : "ok",
            fmt::format("{} MiB stored of {} MiB, {} MiB free", usage.stored / limits::mib, usage.quota / limits::mib,
                        usage.disk ? usage.disk->bytes / limits::mib : 0),
            tight ? "free space, or lower store.reserve and store.quota" : "");
    if (book.table().all().empty())
        add("repositories", "fail", "no repository is known",
            "set [sources] or add a [[repository]] to packswarm.toml");
    for (const auto& repository : book.table().all()) {
        if (!sight.has(repository)) continue;
        const auto health = broker::health_of(book, repository, agent_.loop.wall_now());
        const auto& refused = book.state_of(repository.id).message;
        const bool is_refused = health.health == core::Health::unread && !refused.empty();
        add("repository " + repository.id.text(), check_state(health.health),
            fmt::format("{}: {}", core::to_string(health.health), is_refused ? refused : health.sentence),
            health.remedy);
    }
    for (const auto& [base, health] : agent_.broker.sources().mirrors())
        if (sight.has_mirror(base) && !core::is_usable(health, agent_.loop.wall_now()))
            add("mirror " + base, "warn", "set back after failures",
                "it is tried again by itself; 'packswarm mirrors' shows more");
    add("gateway", agent_.gateway.empty() ? "warn" : "ok",
        agent_.gateway.empty() ? "switched off" : "listening on " + agent_.gateway);
    add("swarm", agent_.swarm.empty() ? "warn" : "ok",
        agent_.swarm.empty() ? "switched off: mirrors only" : "listening on " + agent_.swarm);
    const auto sharing = agent_.sharing.view();
    add("sharing", sharing.verdict.audience == core::Audience::everybody ? "ok" : "warn",
        sharing.verdict.reason.empty() ? "with everybody" : sharing.verdict.reason);
    check_peers(add);
    add("lan", agent_.config.swarm.lan_discovery ? "ok" : "warn",
        agent_.config.swarm.lan_discovery ? "local discovery is on" : "local discovery is off");
    return dump(json{{"checks", checks}});
}

}  // namespace packswarm::daemon
