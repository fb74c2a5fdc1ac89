#include "p2p/broker/snapshots.hpp"

#include <algorithm>

#include "p2p/base/limits.hpp"

namespace packswarm::broker {

namespace {

constexpr std::size_t max_snapshots = 256;

bool has(const std::vector<core::Lineage>& all, const core::Lineage& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

}  // namespace

void Snapshots::add(const PeerSnapshot& snapshot) {
    if (snapshot.size <= 0 || snapshot.size > limits::max_database + limits::max_release) return;
    auto known = std::find_if(shown_.begin(), shown_.end(), [&](const Shown& old) {
        return old.now.peer == snapshot.peer && old.now.lineage == snapshot.lineage &&
               old.now.provenance.product == snapshot.provenance.product;
    });
    if (known == shown_.end()) {
        if (shown_.size() >= max_snapshots) return;
        known = shown_.insert(known, Shown{});
    }
    if (known->now.root == snapshot.root) {
        known->now = snapshot;
        return;
    }
    known->now = snapshot;
    known->bundles.insert(known->bundles.begin(), {core::mark_of(snapshot.root), snapshot.date});
    if (known->bundles.size() > limits::max_sightings) known->bundles.pop_back();
}

void Snapshots::peer_down(PeerId peer) {
    std::erase_if(shown_, [&](const Shown& shown) { return shown.now.peer == peer; });
}

bool Snapshots::is_same(const Known& repository, const Shown& shown) const {
    auto told = core::kinship(repository.own, repository.confirmed, shown.now.provenance);
    if (told == core::Kinship::stranger) {
        core::Provenance own, theirs;
        own.contents = repository.bundles;
        theirs.contents = shown.bundles;
        told = core::kinship(own, repository.confirmed, theirs);
    }
    switch (told) {
        case core::Kinship::address:
        case core::Kinship::content:
            return true;
        case core::Kinship::parted:
            return false;
        case core::Kinship::stranger:
            break;
    }
    return is_named_alone(repository, shown.now);
}

// A distribution's key signs one product under one name: there the name suffices, unless the own address has kept to
// something older.
bool Snapshots::is_named_alone(const Known& repository, const PeerSnapshot& snapshot) const {
    const core::Fingerprint signer(snapshot.lineage.signer());
    if (repository.names_a_day || repository.public_keys.count(signer) == 0) return false;
    if (repository.confirmed && *repository.confirmed > snapshot.date + limits::mirror_lag) return false;
    const auto& named = snapshot.provenance.product;
    if (repository.own.product != Digest{}) return named == Digest{} || named == repository.own.product;
    if (!repository.only_public_keys) return false;
    return std::all_of(shown_.begin(), shown_.end(), [&](const Shown& other) {
        const auto& product = other.now.provenance.product;
        return other.now.lineage != snapshot.lineage || product == Digest{} || named == Digest{} || product == named;
    });
}

std::vector<PeerSnapshot> Snapshots::of(const Known& repository) const {
    std::vector<PeerSnapshot> out;
    for (const auto& shown : shown_)
        if (has(repository.lineages, shown.now.lineage) && is_same(repository, shown)) out.push_back(shown.now);
    std::stable_sort(out.begin(), out.end(),
                     [](const PeerSnapshot& a, const PeerSnapshot& b) { return a.date > b.date; });
    return out;
}

bool Snapshots::shows(const Digest& root) const {
    return std::any_of(shown_.begin(), shown_.end(), [&](const Shown& shown) { return shown.now.root == root; });
}

std::vector<core::Mark> Snapshots::addresses_of(const Digest& root) const {
    std::vector<core::Mark> out;
    for (const auto& shown : shown_) {
        const auto& addresses = shown.now.provenance.addresses;
        if (shown.now.root == root) out.insert(out.end(), addresses.begin(), addresses.end());
    }
    return out;
}

}  // namespace packswarm::broker
