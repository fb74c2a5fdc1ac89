#include "p2p/broker/prefetch.hpp"

#include <algorithm>
#include <memory>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"

namespace packswarm::broker {

namespace {
constexpr std::size_t max_signing = 2;  // signatures go past the planner: they must not fill a mirror's places
}  // namespace

const core::Repository* Prefetch::find(core::Format format, const core::PrintedPackage& package,
                                       core::CatalogHit& hit) const {
    for (const auto& repository : book_.table().all()) {
        if (repository.format != format || repository.suite != package.repository || repository.bases.empty()) continue;
        const auto found = book_.catalog().find(repository.id, package.file);
        if (!found || found->entry.name.empty()) continue;
        hit = *found;
        return &repository;
    }
    return nullptr;
}

std::size_t Prefetch::want(core::Format format, const std::vector<core::PrintedPackage>& packages) {
    end();
    ByteCount room = store_.room();
    std::set<Item> seen;
    for (const auto& package : packages) {
        core::CatalogHit hit;
        const auto* repository = package.is_here ? nullptr : find(format, package, hit);
        if (repository == nullptr || hit.entry.size > room || store_.brief(hit.entry.digest)) continue;
        auto item = item_of(*repository, hit.entry);
        if (!seen.insert(item).second) continue;
        room -= hit.entry.size;
        waiting_.push_back(std::move(item));
    }
    const auto wanted = waiting_.size();
    go_on();
    return wanted;
}

std::size_t Prefetch::want(const std::vector<core::CatalogHit>& files, ByteCount most, std::string transaction) {
    end();
    transaction_ = std::move(transaction);
    ByteCount room = store_.room();
    for (const auto& [id, entry] : files) {
        const auto* repository = book_.table().find(id);
        if (repository == nullptr || repository->bases.empty() || entry.size > most) continue;
        most -= entry.size;
        if (entry.size > room || store_.brief(entry.digest)) continue;
        room -= entry.size;
        waiting_.push_back(item_of(*repository, entry));
        waiting_.back().digest = entry.digest;
        waiting_.back().size = entry.size;
    }
    const auto wanted = waiting_.size();
    go_on();
    return wanted;
}

Prefetch::Item Prefetch::item_of(const core::Repository& repository, const core::IndexEntry& entry) const {
    const bool is_signed_beside = !repository.format->package_signature(entry.path).empty();
    return {repository.id, entry.path, !entry.signature.empty() || !is_signed_beside};
}

void Prefetch::end() {
    waiting_.clear();
    unsigned_.clear();
    signing_.clear();
    for (const auto id : std::exchange(open_, {})) requests_.cancel(id);
}

void Prefetch::go_on() {
    while (!unsigned_.empty() && signing_.size() < max_signing) {
        const auto item = std::move(unsigned_.front());
        unsigned_.pop_front();
        ask(item, What::signature, From::anybody);
    }
    while (!waiting_.empty() && open_.size() < limits::max_prefetch) {
        const auto item = std::move(waiting_.front());
        waiting_.pop_front();
        ask(item, What::package, first_asked());
    }
}

// The signature after its package, beside which it is kept.
void Prefetch::ask(const Item& item, What what, From from) {
    const bool for_signature = what == What::signature;
    const auto* repository = book_.table().find(item.repository);
    if (repository == nullptr || repository->bases.empty()) return;
    Request request;
    const auto path = for_signature ? repository->format->package_signature(item.path) : item.path;
    request.url = core::address(repository->bases.front(), path);
    if (for_signature)
        request.max_size = limits::max_signature;
    else if ((request.digest = item.digest))
        request.size = item.size;
    request.asker = "prefetch";
    request.transaction = transaction_;
    request.need = Need::prefetch;
    request.from = from;
    const auto id = std::make_shared<RequestId>(RequestId::none);
    const auto ended = [this, id] {
        open_.erase(*id);
        signing_.erase(*id);
        go_on();
    };
    RequestEvents events;
    events.started = [](const Started&) {};
    events.progress = [](const Progress&) {};
    events.delivered = [this, item, for_signature, ended](const Delivered&) {
        if (!for_signature && !item.has_signature) unsigned_.push_back(item);
        ended();
    };
    events.not_modified = ended;
    events.failed = [this, item, what, from, ended](const Error&) {
        if (from == From::peers) ask(item, what, From::anybody);
        ended();
    };
    *id = requests_.get(std::move(request), std::move(events));
    open_.insert(*id);
    if (for_signature) signing_.insert(*id);
}

}  // namespace packswarm::broker
