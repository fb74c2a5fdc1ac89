#include "p2p/broker/index_book.hpp"

#include <algorithm>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/base/loop.hpp"
#include "p2p/broker/ports/peers.hpp"
#include "p2p/plan/strangers.hpp"

namespace packswarm::broker {

namespace {

constexpr std::size_t max_candidate_signers = 16;  // keys of a keyring that could sign a repository nobody has seen yet
constexpr std::size_t walk_step = 1024;            // judged in one turn of the loop: a few milliseconds
constexpr auto missing_after = Millis(3000);       // the package manager asks for what it wants first
const std::string root_sheet = "root";

std::vector<core::IndexEntry> with_folder(const std::vector<core::IndexEntry>& files, const std::string& folder) {
    std::vector<core::IndexEntry> out = files;
    for (auto& file : out) file.path = folder + file.path;
    return out;
}

}  // namespace

IndexBook::IndexBook(Loop& loop, Store& store, Ledger& ledger, Trust& trust, Peers& peers, Proofs& proofs)
    : loop_(loop), store_(store), ledger_(ledger), trust_(trust), peers_(peers), proofs_(proofs), sightings_(ledger) {
    for (const auto& floor : ledger_.floors()) floors_[floor.name] = floor;
}

void IndexBook::set_repositories(core::RepositoryTable table) {
    table_ = std::move(table);
    std::erase_if(states_, [this](const auto& item) {
        const bool is_gone = table_.find(item.first) == nullptr;
        if (is_gone) catalog_.keep_only(item.first, {});  // what it listed vouches for nothing any more
        return is_gone;
    });
    for (const auto& repository : table_.all()) {
        states_[repository.id];
        guess_lineages(repository);
    }
    find_kin();
    announce_lineages();
}

const RepositoryState& IndexBook::state_of(const core::RepositoryId& id) const {
    static const RepositoryState nothing;
    const auto state = states_.find(id);
    return state == states_.end() ? nothing : state->second;
}

bool IndexBook::is_restoring(const core::RepositoryId& id) const {
    const auto at = restoring_.find(id);
    return at != restoring_.end() && at->second > 0;
}

void IndexBook::allow_sharing(bool allowed) {
    if (std::exchange(sharing_, allowed) == allowed) return;
    announce_lineages();
    reconcile_later();
}

void IndexBook::allow_peers(bool allowed) {
    if (std::exchange(has_peers_, allowed) != allowed) announce_lineages();
}

void IndexBook::set_public(std::set<core::Fingerprint> keys, std::set<std::string> unsigned_repositories) {
    public_keys_ = std::move(keys);
    public_unsigned_ = std::move(unsigned_repositories);
    for (const auto& repository : table_.all()) guess_lineages(repository);
    announce_lineages();
    reconcile_later();
}

bool IndexBook::is_public(const core::Repository& repository) const {
    const auto state = states_.find(repository.id);
    if (state != states_.end() && state->second.root && !state->second.root->index.not_shared.empty()) return false;
    switch (repository.sharing) {
        case core::Sharing::allowed:
            return true;
        case core::Sharing::forbidden:
            return false;
        case core::Sharing::by_signer:
            break;
    }
    if (core::nobody_signs(repository)) return public_unsigned_.count(repository.suite) != 0;
    if (state == states_.end() || !state->second.root)
        return true;  // only in the swarms of public keys, see guess_lineages
    const auto& signers = state->second.root->index.signers;
    return std::any_of(signers.begin(), signers.end(),
                       [this](const auto& signer) { return public_keys_.count(signer) != 0; });
}

std::vector<core::Fingerprint> IndexBook::public_signers(const core::Repository& repository,
                                                         const core::IndexRoot& root) const {
    if (!root.is_signed || root.signers.empty()) return {unsigned_signer};
    if (repository.sharing == core::Sharing::by_signer)
        for (const auto& signer : root.signers)
            if (public_keys_.count(signer) != 0) return {signer};
    return {root.signers.front()};
}

// ---- Lineages
// --------------------------------------------------------------------------------------------------------------

std::vector<core::Lineage> IndexBook::lineages_of(const core::Repository& repository,
                                                  const std::vector<core::Fingerprint>& signers,
                                                  const core::IndexRoot* root) const {
    std::vector<core::Lineage> out;
    const std::string suite = root != nullptr && !root->codename.empty() ? root->codename : repository.suite;
    for (const auto& signer : signers)
        for (const auto& architecture : repository.architectures)
            out.emplace_back(repository.format, signer, suite, architecture);
    return out;
}

// Until a root was seen nobody knows which key of the keyring signs it: this agent waits in the swarms of all of them.
void IndexBook::guess_lineages(const core::Repository& repository) {
    if (!is_public(repository) || states_[repository.id].root) return;
    if (core::nobody_signs(repository)) {
        states_[repository.id].lineages = lineages_of(repository, {unsigned_signer}, nullptr);
        return;
    }
    states_[repository.id].is_guessing = true;
    trust_.keyring_fingerprints(repository.keyring, [this, repository](Result<std::vector<core::Fingerprint>> keys) {
        auto& state = states_[repository.id];
        state.is_guessing = false;
        if (state.root) return;
        if (!keys) {
            state.message = keys.error().message;
            return;
        }
        const auto is_private = [this](const auto& key) { return public_keys_.count(key) == 0; };
        state.only_public_keys = !keys->empty() && std::none_of(keys->begin(), keys->end(), is_private);
        if (repository.sharing == core::Sharing::by_signer) std::erase_if(*keys, is_private);
        if (keys->size() > max_candidate_signers) keys->resize(max_candidate_signers);
        state.lineages = lineages_of(repository, *keys, nullptr);
        announce_lineages();
    });
}

void IndexBook::announce_lineages() {
    std::vector<LineageState> out;
    for (const auto& repository : table_.all()) {
        if (!is_public(repository) || !has_peers_) continue;
        const auto& state = states_[repository.id];
        for (const auto& lineage : state.lineages) {
            LineageState shown;
            shown.lineage = lineage;
            if (state.root && state.root->index.is_signed && sharing_) {
                shown.date = state.root->index.date;
                shown.root = state.root->bundle_digest;
                shown.root_size = static_cast<ByteCount>(state.root->bundle.size());
                shown.provenance = shown_provenance(repository, state);
            }
            out.push_back(std::move(shown));
        }
    }
    peers_.set_lineages(std::move(out));
}

std::optional<core::CatalogHit> IndexBook::find(const Digest& digest) const {
    auto hit = catalog_.find(digest);
    if (!hit) return hit;
    for (const auto& repository : table_.all()) {
        if (!is_public(repository) || repository.id == hit->repository) continue;
        if (const auto* known = table_.find(hit->repository); known != nullptr && is_public(*known)) return hit;
        if (auto other = catalog_.find_in(repository.id, digest)) return other;
    }
    return hit;
}

core::Lineage IndexBook::public_lineage(const Digest& digest) const {
    for (const auto& repository : table_.all()) {
        if (!is_public(repository) || !catalog_.has(repository.id, digest)) continue;
        const auto& lineages = states_.at(repository.id).lineages;
        return lineages.empty() ? core::Lineage() : lineages.front();
    }
    return {};
}

bool IndexBook::is_security_update(const Digest& digest) const {
    return std::any_of(table_.all().begin(), table_.all().end(), [&](const core::Repository& repository) {
        return is_security(repository) && catalog_.has(repository.id, digest);
    });
}

bool IndexBook::is_security(const core::Repository& repository) const {
    const auto& root = state_of(repository.id).root;
    return plan::is_security_suite(repository.suite) ||
           (root && (plan::is_security_suite(root->index.suite) || plan::is_security_suite(root->index.codename)));
}

// ---- Roots
// -----------------------------------------------------------------------------------------------------------------

void IndexBook::adopt(const core::Repository& repository, std::shared_ptr<const OpenedRoot> opened) {
    auto& state = states_[repository.id];
    const auto& root = opened->index;
    note_in_use(state);
    state.root = opened;
    state.message = root.not_shared + (root.not_shared.empty() || root.remark.empty() ? "" : "; ") + root.remark;
    state.standing = root.is_signed ? RepositoryState::Standing::verified : RepositoryState::Standing::unsigned_hint;
    state.lineages = lineages_of(repository, public_signers(repository, root), &root);
    const auto files = with_folder(root.files, core::index_folder(repository));
    const bool lists_packages = repository.format.habits().root_lists_packages;
    catalog_.set(repository.id, root_sheet, files, lists_packages ? core::LeftOut() : root.left_out);
    std::vector<std::string> sheets{root_sheet};
    if (lists_packages) {
        catalog_.set(repository.id, "packages", root.entries, root.left_out);
        sheets.push_back("packages");
    }
    for (const auto& file : files) sheets.push_back(file.digest.hex());
    catalog_.keep_only(repository.id, sheets);
    for (const auto& file : files) {
        if (!repository.format->is_package_list(file.path)) continue;
        if (catalog_.has_sheet(repository.id, file.digest.hex())) continue;
        if (auto stored = store_.find(file.digest))
            read_index(repository.id, *stored, file);
        else if (store_.brief(file.digest))
            read_kept(repository.id, file);
    }
    announce_lineages();
    reconcile_later();
    const auto after = is_lent(repository) ? Millis(0) : missing_after;  // a peer's: no package manager is at work
    loop_.after(after, lifetime_.guard([this, id = repository.id] { fetch_missing(id); }));
}

// What was here of the root before, since somebody asked for it, will be asked for again.
void IndexBook::note_in_use(RepositoryState& state) const {
    if (!state.root) return;
    for (const auto& file : state.root->index.files)
        if (store_.brief(file.digest)) state.in_use.insert(file.path);
}

// Of each list one form is needed, the smallest; none when one of them is read already.
std::vector<MissingIndex> IndexBook::missing_of(const core::RepositoryId& id) const {
    const auto* repository = table_.find(id);
    const auto& state = state_of(id);
    if (repository == nullptr || !state.root) return {};
    std::vector<MissingIndex> out;
    for (auto& list : repository->format->package_lists(*repository, state.root->index)) {
        const auto is_here = [&](const core::IndexEntry& form) { return is_read(id, form.digest); };
        if (std::any_of(list.forms.begin(), list.forms.end(), is_here)) continue;
        const auto best = std::min_element(list.forms.begin(), list.forms.end(),
                                           [](const auto& a, const auto& b) { return a.size < b.size; });
        if (best->size <= 0) continue;
        std::swap(*best, list.forms.front());
        auto smallest = std::move(list.forms.front());
        list.forms.erase(list.forms.begin());
        out.push_back({true, std::move(smallest), std::move(list.forms), std::move(list.plain)});
    }
    if (!is_lent(*repository)) return out;
    for (const auto& file : with_folder(state.root->index.files, core::index_folder(*repository))) {
        const auto path = file.path.substr(core::index_folder(*repository).size());
        if (state.in_use.count(path) == 0 || repository->format->is_package_list(file.path)) continue;
        if (file.size > 0 && !store_.brief(file.digest)) out.push_back({false, file, {}, std::nullopt});
    }
    return out;
}

bool IndexBook::has_none_of_its_lists(const core::RepositoryId& id) const {
    const auto* repository = table_.find(id);
    const auto& root = state_of(id).root;
    if (repository == nullptr || !root) return false;
    bool names_some = false;
    for (const auto& file : root->index.files) {
        if (!repository->format->is_package_list(file.path)) continue;
        if (is_read(id, file.digest)) return false;
        names_some = true;
    }
    return names_some;
}

std::string IndexBook::lacking_list(const core::RepositoryId& id) const {
    const auto missing = missing_of(id);
    if (!missing.empty()) return missing.front().packed.path;
    const auto& root = state_of(id).root;
    const auto is_being_read = [this](const core::IndexEntry& file) { return reading_.count(file.digest) != 0; };
    const auto file = std::find_if(root->index.files.begin(), root->index.files.end(), is_being_read);
    return file == root->index.files.end() ? "" : file->path;
}

void IndexBook::fetch_missing(const core::RepositoryId& id) {
    if (!missing_) return;
    for (const auto& missing : missing_of(id)) missing_(*table_.find(id), missing);
}

bool IndexBook::is_read(const core::RepositoryId& repository, const Digest& digest) const {
    return catalog_.has_sheet(repository, digest.hex()) || reading_.count(digest) != 0;
}

bool IndexBook::lacks(const core::RepositoryId& repository, const MissingIndex& missing) const {
    const bool is_read_plain = missing.plain && is_read(repository, missing.plain->digest);
    const bool is_here = missing.is_of_packages ? is_read(repository, missing.packed.digest)
                                                : store_.brief(missing.packed.digest).has_value();
    return !is_read_plain && !is_here && catalog_.has(repository, missing.packed.digest);
}

// Read from a file that is not kept here: only what it lists is known.
void IndexBook::take_list(const core::RepositoryId& repository, const core::IndexEntry& plain,
                          std::shared_ptr<const core::CatalogSheet> sheet) {
    if (!catalog_.find_in(repository, plain.digest)) return;  // a newer root came meanwhile
    spdlog::info("{}: {} lists {} packages, as apt keeps it", repository, plain.path, sheet->packages());
    catalog_.set(repository, plain.digest.hex(), std::move(sheet));
    reconcile_later();
}

// ---- Files
// -----------------------------------------------------------------------------------------------------------------

void IndexBook::stored(const StoredFile& file) {
    for (const auto& repository : table_.all()) {
        const auto entry = catalog_.find_in(repository.id, file.digest());
        if (!entry || !repository.format->is_package_list(entry->entry.path)) continue;
        if (!catalog_.has_sheet(repository.id, file.digest().hex())) read_index(repository.id, file, entry->entry);
    }
    Changes changes;
    judge_share(file.digest(), changes);
    carry_out(std::move(changes));
}

void IndexBook::read_index(const core::RepositoryId& repository, const StoredFile& file,
                           const core::IndexEntry& entry) {
    const auto* known = table_.find(repository);
    if (known == nullptr || !reading_.insert(file.digest()).second) return;
    trust_.open_packages(file, known->format, entry.path,
                         [this, repository, digest = file.digest(),
                          path = entry.path](Result<std::shared_ptr<const core::CatalogSheet>> entries) {
                             reading_.erase(digest);
                             if (!entries)
                                 return spdlog::warn("{}: {} cannot be read: {}", repository, printable(path),
                                                     printable(entries.error().message));
                             if (!catalog_.find_in(repository, digest)) return;  // a newer root came meanwhile
                             catalog_.set(repository, digest.hex(), *entries);
                             spdlog::info("{}: {} lists {} packages", repository, path, (*entries)->packages());
                             if (const auto& left_out = (*entries)->left_out(); !left_out.empty())
                                 spdlog::warn("{}: in {} {}", repository, path, left_out.text());
                             reconcile_later();
                         });
}

// Hashed first; when it has rotted it is fetched anew.
void IndexBook::read_kept(const core::RepositoryId& repository, const core::IndexEntry& entry) {
    if (!reading_.insert(entry.digest).second) return;
    const auto then = lifetime_.guard([this, repository, entry] {
        reading_.erase(entry.digest);
        if (const auto stored = store_.find(entry.digest)) return read_index(repository, *stored, entry);
        fetch_missing(repository);
    });
    proofs_.prove(entry.digest, Proofs::Need::awaited, then);
}

void IndexBook::removed(const Digest& digest) {
    if (offered_.erase(digest) != 0) peers_.withdraw({digest});
}

// ---- The shelf
// -------------------------------------------------------------------------------------------------------------

void IndexBook::reconcile_later() {
    if (reconcile_due_) return;
    reconcile_due_ = true;
    loop_.after(Millis(20), lifetime_.guard([this] {
        reconcile_due_ = false;
        begin_walk();
    }));
}

// What is stored may be a whole archive: it is judged in steps, between which the loop serves everybody else.
void IndexBook::begin_walk() {
    const bool is_under_way = !walk_.empty();
    walk_ = store_.digests();
    if (!is_under_way) walk();
}

void IndexBook::walk() {
    Changes changes;
    for (std::size_t i = 0; i < walk_step && !walk_.empty(); ++i) {
        judge_share(walk_.back(), changes);
        walk_.pop_back();
    }
    carry_out(std::move(changes));
    if (walk_.empty()) return walk_.shrink_to_fit();
    loop_.post(lifetime_.guard([this] { walk(); }));
}

// Empty for what may not be named to peers.
core::Lineage IndexBook::lineage_to_share(const ArtifactBrief& brief) {
    if (!sharing_ || (brief.mark.size() > limits::small_artifact && !brief.mark.has_pieces())) return {};
    if (!brief.is_root) return brief.may_be_shared ? public_lineage(brief.mark.digest()) : core::Lineage();
    for (const auto& repository : table_.all()) {
        const auto& state = states_[repository.id];
        if (state.root && state.root->index.is_signed && state.root->bundle_digest == brief.mark.digest() &&
            is_public(repository) && !state.lineages.empty())
            return state.lineages.front();
    }
    return {};
}

// The shelf is what the newest indexes of public repositories list and the store holds; nothing older, nothing private.
void IndexBook::judge_share(const Digest& digest, Changes& changes) {
    const auto brief = store_.brief(digest);
    const auto lineage = brief && brief->mark.is_proven() ? lineage_to_share(*brief) : core::Lineage();
    const auto known = offered_.find(digest);
    if (known != offered_.end() && lineages_[known->second] == lineage) return;
    if (known != offered_.end()) {
        changes.withdrawals.push_back(digest);
        offered_.erase(known);
    }
    if (lineage.empty()) return;
    auto place = std::find(lineages_.begin(), lineages_.end(), lineage);
    if (place == lineages_.end()) place = lineages_.insert(place, lineage);
    offered_[digest] = static_cast<std::uint32_t>(place - lineages_.begin());
    changes.offers[lineage].push_back(brief->mark);
}

void IndexBook::offer_again(const Digest& digest) {
    const auto known = offered_.find(digest);
    const auto brief = known == offered_.end() ? std::nullopt : store_.brief(digest);
    if (brief) peers_.offer(lineages_[known->second], {brief->mark});
}

bool IndexBook::is_to_be_shared(const Digest& digest) {
    const auto brief = store_.brief(digest);
    return brief && !lineage_to_share(*brief).empty();
}

void IndexBook::proven(const Digest& digest) {
    offer_again(digest);
    Changes changes;
    judge_share(digest, changes);
    carry_out(std::move(changes));
}

void IndexBook::carry_out(Changes changes) {
    if (!changes.withdrawals.empty()) peers_.withdraw(std::move(changes.withdrawals));
    for (auto& [lineage, files] : changes.offers) peers_.offer(lineage, std::move(files));
}

// ---- Peers
// -----------------------------------------------------------------------------------------------------------------

std::vector<PeerSnapshot> IndexBook::snapshots_of(const core::RepositoryId& id) const {
    const auto* repository = table_.find(id);
    if (states_.count(id) == 0 || repository == nullptr) return {};
    return snapshots_.of(known_of(*repository));
}

Known IndexBook::known_of(const core::Repository& repository) const {
    const auto& state = state_of(repository.id);
    Known known;
    known.lineages = state.lineages;
    known.own = own_provenance(repository);
    known.bundles = sightings_.bundles(repository);
    known.confirmed = sightings_.last_confirmed(repository);
    known.public_keys = public_keys_;
    known.only_public_keys = state.only_public_keys;
    known.names_a_day = std::any_of(repository.bases.begin(), repository.bases.end(), core::names_a_day);
    return known;
}

// With what the package manager's own copy shows, and every address that is configured.
core::Provenance IndexBook::own_provenance(const core::Repository& repository) const {
    auto out = sightings_.provenance(repository);
    out.addresses.clear();
    for (const auto& base : repository.bases) out.addresses.push_back(Sightings::address_mark(repository, base));
    if (!repository.own_copy) return out;
    if (out.product == Digest{}) out.product = repository.own_copy->product;
    out.contents.push_back(repository.own_copy->mark);
    return out;
}

Company IndexBook::company(const core::Repository& repository) const {
    Company out;
    const auto state = states_.find(repository.id);
    if (!has_peers_ || state == states_.end() || !is_public(repository)) return out;
    out.is_settled = !state->second.is_guessing;
    for (const auto& lineage : state->second.lineages) {
        const auto one = peers_.company(lineage);
        out.connected += one.connected;
        out.dialled += one.dialled;
        out.is_settled = out.is_settled && one.is_settled;
    }
    return out;
}

}  // namespace packswarm::broker
