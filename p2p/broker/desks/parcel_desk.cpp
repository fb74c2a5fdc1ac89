#include "p2p/broker/desks/parcel_desk.hpp"

#include <algorithm>
#include <utility>

#include "p2p/base/limits.hpp"
#include "p2p/core/bundle.hpp"

namespace packswarm::broker {

namespace {

constexpr std::size_t looked_at_once = 4096;  // stored files in one turn of the loop
constexpr auto reading_poll = Millis(10);     // a list of Debian's takes a second

std::size_t text_of(const core::CatalogHit& hit) {
    return hit.repository.text().size() + hit.entry.path.size() + hit.entry.name.size() + hit.entry.version.size() +
           200;  // digest, size and names of the fields
}

}  // namespace

// ---- What is here

std::vector<ParcelSource> ParcelDesk::sources() const {
    std::vector<ParcelSource> out;
    for (const auto& repository : book_.table().all()) out.push_back(source_of(repository));
    return out;
}

ParcelSource ParcelDesk::source_of(const core::Repository& repository) const {
    ParcelSource out;
    out.id = repository.id;
    out.is_public = book_.is_public(repository);
    out.section.format = std::string(core::to_string(repository.format));
    out.section.suite = repository.suite;
    const auto& root = book_.state_of(repository.id).root;
    if (!root) {
        out.why_not = "no index of it has been seen yet";
        return out;
    }
    out.date = root->index.date;
    out.valid_until = root->index.valid_until;
    if (!root->index.is_signed) {
        out.why_not = "nobody signs its index: another machine could not believe it";
    } else if (!store_.brief(root->bundle_digest)) {
        out.why_not = "its index is not stored";
    } else {
        out.section.provenance = book_.told_provenance(repository);
        out.section.root = {root->bundle_digest, static_cast<ByteCount>(root->bundle.size()),
                            core::root_path(repository)};
        out.lacking = lacking_of(repository, root->index);
    }
    return out;
}

// One form of each list will do.
std::vector<core::IndexEntry> ParcelDesk::lacking_of(const core::Repository& repository,
                                                     const core::IndexRoot& root) const {
    std::vector<core::IndexEntry> out;
    for (const auto& list : repository.format->package_lists(repository, root)) {
        const auto is_here = [this](const core::IndexEntry& form) { return store_.brief(form.digest).has_value(); };
        if (std::any_of(list.forms.begin(), list.forms.end(), is_here)) continue;
        auto best = *std::min_element(list.forms.begin(), list.forms.end(),
                                      [](const auto& a, const auto& b) { return a.size < b.size; });
        if (best.size == 0 || repository.bases.empty()) continue;
        best.path = core::address(repository.bases.front(), best.path);
        out.push_back(std::move(best));
    }
    return out;
}

// A store may hold a whole archive: its digests are looked at in their order, a part at a time.
StoredPage ParcelDesk::stored_after(const std::optional<Digest>& digest) const {
    auto all = store_.digests();
    if (digest) std::erase_if(all, [&](const Digest& one) { return one <= *digest; });
    const auto count = std::min(looked_at_once, all.size());
    std::partial_sort(all.begin(), all.begin() + static_cast<long>(count), all.end());
    StoredPage out;
    std::size_t text = 0, seen = 0;
    while (seen < count && out.files.size() < limits::max_rows_of_stored && text < limits::max_text_of_stored) {
        auto hit = book_.find(all[seen++]);
        if (!hit) continue;
        text += text_of(*hit);
        out.files.push_back(std::move(*hit));
    }
    if (seen < all.size()) out.next = all[seen - 1];
    return out;
}

void ParcelDesk::when_read(const Digest& list, Task then) {
    if (!book_.is_reading(list)) return loop_.post(std::move(then));
    loop_.after(reading_poll, lifetime_.guard([this, list, then = std::move(then)] { when_read(list, then); }));
}

// ---- What is carried here

// Those that it seems to be for come first: what is wrong with it there is what its owner wants to hear.
std::vector<core::Repository> ParcelDesk::takers_of(const core::ParcelRepository& section) const {
    std::vector<core::Repository> out;
    for (const auto& repository : book_.table().all())
        if (core::to_string(repository.format) == section.format && !core::nobody_signs(repository))
            out.push_back(repository);
    const auto& told = section.provenance.addresses;
    const auto is_named = [&](const core::Repository& repository) {
        return std::any_of(repository.bases.begin(), repository.bases.end(), [&](const std::string& base) {
            return std::find(told.begin(), told.end(), Sightings::address_mark(repository, base)) != told.end();
        });
    };
    std::stable_partition(out.begin(), out.end(), [&](const auto& one) { return one.suite == section.suite; });
    std::stable_partition(out.begin(), out.end(), is_named);
    std::reverse(out.begin(), out.end());
    return out;
}

void ParcelDesk::take_root(const core::ParcelRepository& section, Bytes bundle,
                           Then<std::vector<CarriedVerdict>> then) {
    const auto refuse = [&](Error why) {
        loop_.post([then = std::move(then), why = std::move(why)] { then(tl::unexpected(why)); });
    };
    if (round_) return refuse({ErrorKind::Refused, "another bundle is being imported: try again later"});
    auto files = core::unpack_bundle(std::move(bundle));
    if (!files) return refuse(files.error());
    auto takers = takers_of(section);
    if (takers.empty()) return refuse({ErrorKind::Absent, "this machine uses no repository of its kind"});
    round_ = std::make_unique<Round>();
    round_->section = section;
    round_->root = std::move(files->root);
    round_->signature = std::move(files->signature);
    round_->left = std::move(takers);
    round_->then = std::move(then);
    go_on();
}

void ParcelDesk::go_on() {
    if (round_->left.empty()) {
        const auto done = std::move(round_);
        const auto is_of_no_use = [](const CarriedVerdict& one) {
            return one.root.step == CarriedRoot::Step::unverified || one.root.step == CarriedRoot::Step::stranger;
        };
        auto verdicts = done->verdicts;
        std::erase_if(verdicts, is_of_no_use);
        if (verdicts.empty()) verdicts.push_back(done->verdicts.front());
        return done->then(std::move(verdicts));
    }
    auto repository = std::move(round_->left.back());
    round_->left.pop_back();
    repository.dates = {};  // the owner's leave is for his own mirrors
    RootFiles files{repository, round_->root, round_->signature, {}, {}};
    book_.accept_carried(std::move(files), round_->section.provenance,
                         lifetime_.guard([this, id = repository.id](CarriedRoot root) {
                             round_->verdicts.push_back({id, std::move(root)});
                             go_on();
                         }));
}

}  // namespace packswarm::broker
