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
        const bool is_signed_beside = !repository->format->package_signature(hit.entry.path).empty();
        Item item{repository->id, hit.entry.path, !hit.entry.signature.empty() || !is_signed_beside};
        if (!seen.insert(item).second) continue;
        room -= hit.entry.size;
        waiting_.push_back(std::move(item));
    }
    const auto wanted = waiting_.size();
    go_on();
    return wanted;
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
        ask(item, true);
    }
    while (!waiting_.empty() && open_.size() < limits::max_prefetch) {
        const auto item = std::move(waiting_.front());
        waiting_.pop_front();
        ask(item, false);
    }
}

// The signature after its package, beside which it is kept.
void Prefetch::ask(const Item& item, bool for_signature) {
    const auto* repository = book_.table().find(item.repository);
    if (repository == nullptr || repository->bases.empty()) return;
    Request request;
    const auto path = for_signature ? repository->format->package_signature(item.path) : item.path;
    request.url = core::address(repository->bases.front(), path);
    if (for_signature) request.max_size = limits::max_signature;
    request.asker = request.transaction = "prefetch";
    request.need = Need::prefetch;
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
    events.failed = [ended](const Error&) { ended(); };
    *id = requests_.get(std::move(request), std::move(events));
    open_.insert(*id);
    if (for_signature) signing_.insert(*id);
}

}  // namespace packswarm::broker
