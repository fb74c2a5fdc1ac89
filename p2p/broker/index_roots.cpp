// How the index book takes a root: it is judged by the rules of freshness, noted for the address that showed it, kept,
// restored; and what repositories of the same content lend each other.
#include <algorithm>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/broker/index_book.hpp"
#include "p2p/core/bundle.hpp"
#include "p2p/core/freshness.hpp"

namespace packswarm::broker {

void IndexBook::accept(RootFiles files, std::optional<WallTime> modified,
                       Then<std::shared_ptr<const OpenedRoot>> then) {
    auto from = files;
    from.root.clear();
    from.signature.reset();
    trust_.open_root(
        std::move(files), [this, from = std::move(from), modified, then = std::move(then)](Result<OpenedRoot> opened) {
            if (opened && table_.find(from.repository.id) == nullptr)  // a reload took it away meanwhile
                return then(std::make_shared<const OpenedRoot>(std::move(*opened)));
            states_[from.repository.id].older.reset();
            if (!opened) return refuse(from, std::nullopt, opened.error(), then);
            auto floors = judge(from.repository, *opened, from.base);
            if (!floors) return refuse(from, std::move(*opened), floors.error(), then);
            const auto shared = std::make_shared<const OpenedRoot>(std::move(*opened));
            ledger_.raise_floors(
                std::move(*floors), lifetime_.guard([this, from, shared, modified, then](const Result<void>& raised) {
                    if (!raised) return refuse(from, std::nullopt, raised.error(), then);
                    auto vouched =
                        from.base.empty() ? snapshots_.addresses_of(shared->bundle_digest) : std::vector<core::Mark>{};
                    take(from, shared, modified, std::move(vouched), then);
                }));
        });
}

void IndexBook::accept_carried(RootFiles files, core::Provenance told, std::function<void(CarriedRoot)> then) {
    auto from = files;
    from.root.clear();
    from.signature.reset();
    trust_.open_root(std::move(files), lifetime_.guard([this, from = std::move(from), told = std::move(told),
                                                        then = std::move(then)](Result<OpenedRoot> opened) mutable {
        if (!opened) return then({CarriedRoot::Step::unverified, opened.error().message, {}});
        const auto judged = judge_carried(from.repository, *opened, told);
        if (judged.step != CarriedRoot::Step::kept) {
            if (!judged.message.empty())
                spdlog::warn("{}: a bundle's index refused: {}", from.repository.id, printable(judged.message, 400));
            return then(judged);
        }
        const auto date = opened->index.date;
        take(from, std::make_shared<const OpenedRoot>(std::move(*opened)), date, std::move(told.addresses),
             [this, id = from.repository.id, then, judged](const auto&) {
                 auto& state = states_[id];
                 state.given_by = "a bundle";
                 state.is_peers = true;  // as one that a peer gave
                 then(judged);
             });
    }));
}

CarriedRoot IndexBook::judge_carried(const core::Repository& repository, OpenedRoot& opened, core::Provenance& told) {
    using Step = CarriedRoot::Step;
    const auto& root = opened.index;
    if (!root.is_signed || root.signers.empty()) return {Step::unverified, "nobody has signed it", {}};
    if (table_.find(repository.id) == nullptr) return {Step::unverified, "its repository is no longer configured", {}};
    const auto& here = state_of(repository.id).root;
    if (here && here->bundle_digest == opened.bundle_digest) return {Step::known, {}, root.date};
    told.product = root.product;
    told.contents.insert(told.contents.begin(), {core::mark_of(root.content), root.date});
    if (!is_of(repository, opened, told))
        return {Step::stranger, "nothing shows that it is of this repository: no address and no content in common",
                root.date};
    const auto floors = judge(repository, opened, {});
    if (!floors) return {Step::refused, floors.error().message, root.date};
    return {Step::kept, {}, root.date};
}

// A peer names the key by which it meets others; here the keys are those that have signed.
bool IndexBook::is_of(const core::Repository& repository, const OpenedRoot& opened,
                      const core::Provenance& told) const {
    const auto& signers = opened.index.signers;
    const auto signer =
        std::find_if(signers.begin(), signers.end(), [this](const auto& key) { return public_keys_.count(key) != 0; });
    const auto lineages = lineages_of(repository, {signer == signers.end() ? signers.front() : *signer}, &opened.index);
    if (lineages.empty()) return false;
    PeerSnapshot carried;
    carried.lineage = lineages.front();
    carried.date = opened.index.date;
    carried.root = opened.bundle_digest;
    carried.provenance = told;
    auto known = known_of(repository);
    if (const auto& here = state_of(repository.id).root)  // from whomever it came: it was shown to be its own
        known.own.contents.push_back({core::mark_of(here->index.content), here->index.date});
    return snapshots_.belongs(known, carried);
}

void IndexBook::refuse(const RootFiles& from, std::optional<OpenedRoot> opened, const Error& why,
                       const OpenedThen& then) {
    const auto& repository = from.repository;
    auto& state = states_[repository.id];
    state.message = why.message;
    state.was_stale = opened.has_value();
    if (opened) note_conflict(from, *opened);
    if (opened && lags(repository, *opened, from.base))
        state.older = std::make_shared<const OpenedRoot>(std::move(*opened));
    if (!state.root) state.standing = RepositoryState::Standing::refused;
    spdlog::warn("{}: index refused: {}", repository.id, printable(why.message, 400));
    then(tl::unexpected(why));
}

void IndexBook::take(const RootFiles& from, std::shared_ptr<const OpenedRoot> opened, std::optional<WallTime> modified,
                     std::vector<core::Mark> vouched, const OpenedThen& then) {
    const auto& repository = from.repository;
    if (table_.find(repository.id) == nullptr) return then(opened);  // nobody else is told
    auto& state = states_[repository.id];
    const bool is_new = !state.root || state.root->bundle_digest != opened->bundle_digest;
    state.modified = modified;
    state.is_peers = from.base.empty() && snapshots_.shows(opened->bundle_digest);
    state.given_by = from.base.empty() ? "a peer" : from.base;
    if (!from.base.empty()) state.conflict.clear();
    state.vouched = std::move(vouched);
    note_sighting(repository, from, *opened, modified);
    adopt(repository, opened);
    if (is_new && !opened->index.left_out.empty())
        spdlog::warn("{}: in its index {}", repository.id, opened->index.left_out.text());
    for (const auto* text : {&opened->index.not_shared, &opened->index.remark})
        if (is_new && !text->empty()) spdlog::warn("{}: {}", repository.id, printable(*text, 400));
    if (is_new) keep_bundle(repository, opened);
    then(opened);
}

void IndexBook::note_sighting(const core::Repository& repository, const RootFiles& files, const OpenedRoot& opened,
                              std::optional<WallTime> modified) {
    if (files.base.empty()) return;
    core::Sighting sighting;
    sighting.address = core::address(files.base, files.path);
    sighting.file = opened.index.digest;
    if (opened.index.is_signed) sighting.content = opened.index.content;
    sighting.bundle = opened.bundle_digest;
    sighting.product = opened.index.product;
    sighting.date = opened.index.date;
    sighting.modified = modified;
    sighting.confirmed = loop_.wall_now();
    sightings_.saw(std::move(sighting));
    find_kin();
    spdlog::debug("{}: seen at {}", repository.id, printable(files.base));
}

void IndexBook::confirmed(const core::Repository& repository, const std::string& address) {
    if (table_.find(repository.id) == nullptr) return;
    sightings_.confirmed(address, loop_.wall_now());
    find_kin();
}

// A floor belongs to the address that showed it. One for every key that signed: when keys come and go, those that stay
// carry it on.
std::vector<core::FloorName> IndexBook::floor_names(const core::Repository& repository, const core::IndexRoot& root,
                                                    const std::string& base) const {
    const auto signers =
        root.is_signed && !root.signers.empty() ? root.signers : std::vector<core::Fingerprint>{unsigned_signer};
    std::vector<core::FloorName> names;
    for (const auto& lineage : lineages_of(repository, signers, &root))
        names.push_back(core::floor_name(lineage, root.product, base));
    return names;
}

// The highest of all bases that stand together.
std::optional<core::KnownRoot> IndexBook::floor_of(const core::Repository& repository,
                                                   const core::IndexRoot& root) const {
    std::optional<core::KnownRoot> known;
    for (const auto& base : repository.bases)
        for (const auto& name : floor_names(repository, root, base))
            if (const auto floor = floors_.find(name);
                floor != floors_.end() && (!known || known->date < floor->second.date))
                known = core::KnownRoot{floor->second.date, floor->second.root, floor->second.root};
    if (const auto own = own_floor(repository, root); own && (!known || known->date < own->date)) return own;
    return known;
}

// What the package manager itself keeps is a floor too: ours may be gone with the state folder.
std::optional<core::KnownRoot> IndexBook::own_floor(const core::Repository& repository,
                                                    const core::IndexRoot& root) const {
    const auto& own = repository.own_copy;
    if (!own || !root.is_signed || own->mark.date <= root.date) return std::nullopt;
    if (own->product != Digest{} && root.product != Digest{} && own->product != root.product) return std::nullopt;
    return core::KnownRoot{own->mark.date, {}, {}};
}

// Which index counts (docs/repositories.md). The floors that it raises.
Result<std::vector<Floor>> IndexBook::judge(const core::Repository& repository, OpenedRoot& opened,
                                            const std::string& base) {
    const auto& root = opened.index;
    if (repository.architectures.empty()) return fail(ErrorKind::Broken, "{} has no architecture", repository.id);
    const auto known = floor_of(repository, root);
    const auto leave = leave_of(repository.id).what;
    const auto fresh = core::check_freshness(root, known, loop_.wall_now(), leave, repository.dates);
    if (!fresh) return tl::unexpected(fresh.error());
    if (!fresh->only_here.empty()) opened.index.not_shared = "not shared: " + fresh->only_here;
    for (const auto& warning : fresh->warnings) spdlog::warn("{}: {}", repository.id, warning);
    std::vector<Floor> out;
    if (base.empty()) {
        if (auto good = judge_lent(repository, opened, *fresh); !good) return tl::unexpected(good.error());
        return out;
    }
    if (auto good = judge_beside_peers(repository, root, base); !good) return tl::unexpected(good.error());
    const bool is_level = known && root.date <= known->date;
    if (!fresh->raises_floor && !is_level) return out;
    for (const auto& name : floor_names(repository, root, base)) {
        const auto floor = floors_.find(name);
        const bool stands =
            floor != floors_.end() && floor->second.date >= root.date && floor->second.root == root.content;
        if (stands || (floor != floors_.end() && floor->second.date > root.date)) continue;
        floors_[name] = {name, root.date, root.content};
        out.push_back(floors_[name]);
    }
    return out;
}

// Of a root that none of its addresses gave. It raises no floor: what an address has stays that address's to say.
Result<void> IndexBook::judge_lent(const core::Repository& repository, const OpenedRoot& opened,
                                   const core::Freshness& fresh) const {
    const auto own = own_provenance(repository);
    const auto& root = opened.index;
    if (fresh.is_twin) return fail(ErrorKind::Absent, "an index with the date of another one that is known");
    if (own.product != Digest{} && root.product != Digest{} && own.product != root.product)
        return fail(ErrorKind::Absent, "an index of another product ({}, {}) under the same key and suite",
                    printable(root.origin), printable(root.label));
    const auto& here = state_of(repository.id).root;
    if (here && here->index.product == root.product && here->index.date > root.date &&
        !leave_of(repository.id).what.older)
        return fail(ErrorKind::Absent, "an index that is older than the one that is here");
    return {};
}

bool IndexBook::is_lent(const core::Repository& repository) const {
    const auto& state = state_of(repository.id);
    const auto& newest = state.root;
    if (!newest || !newest->index.is_signed || !state.is_peers) return false;
    const auto seen = sightings_.provenance(repository).contents;
    const auto mark = core::mark_of(newest->index.content);
    return std::none_of(seen.begin(), seen.end(), [mark](const core::RootMark& one) { return one.content == mark; });
}

bool IndexBook::may_ask_another(const core::Repository& repository, WallTime date) {
    constexpr auto pause = std::chrono::hours(6);
    if (repository.bases.size() < 2 || date + limits::mirror_lag > loop_.wall_now()) return false;
    auto& asked = states_[repository.id].another_asked;
    if (asked && loop_.now() - *asked < pause) return false;
    asked = loop_.now();
    return true;
}

std::optional<WallTime> IndexBook::newest_shown(const core::RepositoryId& id) const {
    const auto now = loop_.wall_now() + Seconds(60);
    for (const auto& snapshot : snapshots_of(id))
        if (snapshot.date <= now) return snapshot.date;
    return std::nullopt;
}

bool IndexBook::is_outdone(const core::RepositoryId& id) const {
    const auto shown = newest_shown(id);
    const auto& root = state_of(id).root;
    return shown && (!root || *shown > root->index.date);
}

// A mirror that stands still does not end the question: the newest verified root counts, wherever it came from. But an
// address that kept to something older for longer than mirrors lag is a snapshot of its own, unless peers saw the
// newer one at this very address.
Result<void> IndexBook::judge_beside_peers(const core::Repository& repository, const core::IndexRoot& root,
                                           const std::string& base) const {
    const auto& state = state_of(repository.id);
    if (base.empty() || leave_of(repository.id).what.older || !state.root || !root.is_signed ||
        state.root->index.date <= root.date)
        return {};
    if (state.root->index.product != root.product || core::names_a_day(base) || !is_lent(repository)) return {};
    const auto confirmed = sightings_.last_confirmed(repository);
    const bool keeps_apart = confirmed && *confirmed > state.root->index.date + limits::mirror_lag;
    if (keeps_apart && state.vouched.empty()) return {};
    return fail(ErrorKind::Absent, "{} gives the index of {}, peers gave the verified one of {}: that one counts", base,
                core::date_text(root.date), core::date_text(state.root->index.date));
}

// Told to the owner until a mirror gives the newest: one that went back, or that stands still for longer than mirrors
// lag.
void IndexBook::note_conflict(const RootFiles& from, const OpenedRoot& opened) {
    auto& state = states_[from.repository.id];
    const auto known = floor_of(from.repository, opened.index);
    if (from.base.empty() || !opened.index.is_signed) return;
    if (known && opened.index.date < known->date && !lags(from.repository, opened, from.base)) {
        state.conflict = fmt::format("{} went back to an index of {}", from.base, core::date_text(opened.index.date));
        return;
    }
    const bool stands_still = state.root && opened.index.date + limits::mirror_lag < state.root->index.date;
    if (!stands_still || judge_beside_peers(from.repository, opened.index, from.base)) return;
    state.conflict = fmt::format("{} still gives the index of {}", from.base, core::date_text(opened.index.date));
}

void IndexBook::give_leave(const core::RepositoryId& repository, core::StaleIndex leave, WallTime until) {
    const auto before = leave_of(repository);
    leaves_[repository] = {{leave.older || before.what.older, leave.expired || before.what.expired}, until};
}

IndexBook::Leave IndexBook::leave_of(const core::RepositoryId& repository) const {
    const auto at = leaves_.find(repository);
    return at == leaves_.end() || at->second.until <= loop_.wall_now() ? Leave{} : at->second;
}

void IndexBook::mirrors_answered(const core::RepositoryId& id, bool any) {
    if (table_.find(id) == nullptr) return;
    auto& since = states_[id].unreachable_since;
    if (any)
        since.reset();
    else if (!since)
        since = loop_.wall_now();
}

// A base that gives the newest it ever gave, and others that stand with it gave a newer one.
bool IndexBook::lags(const core::Repository& repository, const OpenedRoot& opened, const std::string& base) const {
    const auto known = floor_of(repository, opened.index);
    const bool is_behind_peers = !judge_beside_peers(repository, opened.index, base);
    if (own_floor(repository, opened.index)) return false;  // it went back
    if (base.empty() || (!is_behind_peers && (!known || opened.index.date >= known->date))) return false;
    for (const auto& name : floor_names(repository, opened.index, base))
        if (const auto floor = floors_.find(name); floor != floors_.end() && floor->second.date > opened.index.date)
            return false;
    return core::check_freshness(opened.index, std::nullopt, loop_.wall_now(), core::StaleIndex::refuse,
                                 repository.dates)
        .has_value();
}

// It was judged when it came; only its age is looked at again. Where no floor is left of its repository, since the
// ledger and its text were lost together, it is one itself: of the base that counts for all.
void IndexBook::judge_restored(const core::Repository& repository, OpenedRoot& opened) {
    const auto known = floor_of(repository, opened.index);
    const auto fresh =
        core::check_freshness(opened.index, known, loop_.wall_now(), core::StaleIndex::accept, repository.dates);
    if (!fresh) return;
    if (!known && fresh->raises_floor && opened.index.is_signed && !repository.bases.empty()) {
        std::vector<Floor> lost;
        for (const auto& name : floor_names(repository, opened.index, repository.bases.front()))
            lost.push_back(floors_[name] = {name, opened.index.date, opened.index.content});
        ledger_.raise_floors(std::move(lost), [](const Result<void>&) {});
    }
    if (!fresh->only_here.empty()) opened.index.not_shared = "not shared: " + fresh->only_here;
    for (const auto& warning : fresh->warnings) spdlog::warn("{}: {}", repository.id, warning);
}

// The root with its signature becomes an artifact of its own: kept over restarts, and given to peers when mirrors are
// gone.
void IndexBook::keep_bundle(const core::Repository& repository, std::shared_ptr<const OpenedRoot> opened) {
    auto file = store_.stage(static_cast<ByteCount>(opened->bundle.size()), Promise::listed);
    if (file)
        if (auto room = store_.arrive(*file, file->size()); !room) file = tl::unexpected(room.error());
    const auto cannot = [id = repository.id](const Error& error) {
        spdlog::warn("{}: the index cannot be kept: {}", id, error.message);
    };
    if (!file) return cannot(file.error());
    store_.write(*file, {{0, opened->bundle}},
                 lifetime_.guard([this, repository, opened, cannot, file = *file](const Result<void>& written) {
                     if (!written) return cannot(written.error());
                     publish_bundle(repository, opened, file);
                 }));
}

void IndexBook::publish_bundle(const core::Repository& repository, std::shared_ptr<const OpenedRoot> opened,
                               const StagedFile& file) {
    const auto check = trust_.begin_check(file, opened->bundle_digest);
    trust_.finish(check, [this, repository, opened](Result<VerifiedFile> verified) {
        if (!verified)
            return spdlog::error("{}: the index changed while it was kept: {}", repository.id,
                                 verified.error().message);
        ArtifactRecord record;
        record.digest = opened->bundle_digest;
        record.size = static_cast<ByteCount>(opened->bundle.size());
        record.name = repository.id.text();
        record.lineage = is_public(repository) && !states_[repository.id].lineages.empty()
                             ? states_[repository.id].lineages.front()
                             : core::Lineage();
        record.is_root = true;
        record.modified = states_[repository.id].modified.value_or(opened->index.date);
        store_.publish(std::move(*verified), record, lifetime_.guard([this](Result<StoredFile> stored) {
            if (!stored) return spdlog::warn("keeping an index failed: {}", stored.error().message);
            reconcile_later();
        }));
    });
}

void IndexBook::restore() {
    for (const auto& record : store_.roots())
        for (const auto& repository : table_.all())
            if (record.name == repository.id.text() || sightings_.showed(repository, record.digest))
                restore_root(repository, record);
}

void IndexBook::restore_root(const core::Repository& repository, const ArtifactRecord& record) {
    ++restoring_[repository.id];
    proofs_.prove(record.digest, Proofs::Need::awaited, lifetime_.guard([this, repository, record] {
        --restoring_[repository.id];
        open_kept(repository, record);
    }));
}

void IndexBook::open_kept(const core::Repository& repository, const ArtifactRecord& record) {
    auto stored = store_.find(record.digest);
    if (!stored || stored->size() > limits::max_database + limits::max_release) return;
    Bytes bytes(static_cast<std::size_t>(stored->size()));
    if (!read_at(stored->handle(), 0, bytes)) return;
    auto bundle = core::unpack_bundle(std::move(bytes));
    if (!bundle) return;
    RootFiles files{repository, std::move(bundle->root), std::move(bundle->signature), {}, {}};
    ++restoring_[repository.id];
    trust_.open_root(std::move(files), [this, repository, modified = record.modified](Result<OpenedRoot> opened) {
        --restoring_[repository.id];
        if (!opened)
            return spdlog::warn("{}: a stored index is no longer good: {}", repository.id, opened.error().message);
        const auto& known = states_[repository.id].root;
        if (known && known->index.date >= opened->index.date) return;
        judge_restored(repository, *opened);
        states_[repository.id].modified = modified;
        adopt(repository, std::make_shared<const OpenedRoot>(std::move(*opened)));
    });
}

// What peers are told of a root on show. One that a peer gave is told with the addresses of ours that it was known by.
core::Provenance IndexBook::shown_provenance(const core::Repository& repository, const RepositoryState& state) const {
    const auto& root = state.root->index;
    auto out = sightings_.provenance(repository);
    out.product = root.product;
    const core::RootMark newest{core::mark_of(root.content), root.date};
    if (std::find(out.contents.begin(), out.contents.end(), newest) == out.contents.end())
        out.contents.insert(out.contents.begin(), newest);
    if (out.contents.size() > limits::max_sightings) out.contents.resize(limits::max_sightings);
    for (const auto& base : repository.bases) {
        const auto mark = Sightings::address_mark(repository, base);
        const bool is_vouched = std::find(state.vouched.begin(), state.vouched.end(), mark) != state.vouched.end();
        const bool is_new = std::find(out.addresses.begin(), out.addresses.end(), mark) == out.addresses.end();
        if (is_vouched && is_new && out.addresses.size() < limits::max_sightings) out.addresses.push_back(mark);
    }
    return out;
}

// ---- Kin
// -------------------------------------------------------------------------------------------------------------------

void IndexBook::find_kin() {
    std::vector<std::pair<const core::Repository*, core::Provenance>> all;
    for (const auto& repository : table_.all()) {
        states_[repository.id].kin.clear();
        all.emplace_back(&repository, sightings_.provenance(repository));
    }
    const auto takes = [this](const auto& one, const auto& other) {
        const auto found = core::kinship(one.second, sightings_.last_confirmed(*one.first), other.second);
        return found == core::Kinship::content || found == core::Kinship::address;
    };
    for (const auto& one : all)
        for (const auto& other : all) {
            const bool alike = one.first != other.first && one.first->format == other.first->format &&
                               one.first->suite == other.first->suite;
            if (alike && takes(one, other) && takes(other, one)) states_[one.first->id].kin.push_back(other.first->id);
        }
}

std::vector<std::string> IndexBook::lent_bases(const core::Repository& repository) const {
    std::vector<std::string> out;
    for (const auto& id : state_of(repository.id).kin)
        if (const auto* kin = table_.find(id)) out.insert(out.end(), kin->bases.begin(), kin->bases.end());
    return out;
}

std::shared_ptr<const OpenedRoot> IndexBook::lent_root(const core::Repository& repository) const {
    const auto& state = state_of(repository.id);
    auto newest = state.root;
    for (const auto& id : state.kin) {
        const auto& lent = state_of(id).root;
        if (lent && lent->index.is_signed && (!newest || newest->index.date < lent->index.date)) newest = lent;
    }
    return newest == state.root ? nullptr : newest;
}

}  // namespace packswarm::broker
