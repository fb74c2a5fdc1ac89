#include "p2p/broker/index_looks.hpp"

#include <utility>

namespace packswarm::broker {

namespace {
constexpr auto patience = Seconds(3);
constexpr auto interval = Seconds(60);

// Or the signature of one.
bool is_package(const core::Location& location) {
    const auto& format = location.repository->format;
    const auto path = format->package_signed_at(location.path).value_or(location.path);
    return format.habits().asks_by_name && format->classify(path) == core::PathKind::package;
}
}  // namespace

bool IndexLooks::holds(const core::Location& package, bool is_listed, Task then) {
    if (!is_package(package)) return false;
    auto& look = looks_[package.repository->id];
    if (is_listed && look.is_told) return false;
    if (!look.is_open && look.began && loop_.now() - *look.began < interval) return false;
    look.waiting.push_back(std::move(then));
    if (!look.is_open) begin(package, look);
    return true;
}

void IndexLooks::begin(const core::Location& at, Look& look) {
    look.is_open = true;
    look.began = loop_.now();
    const auto over = lifetime_.guard([this, repository = at.repository->id, began = *look.began] {
        if (looks_[repository].began == began) end(repository);
    });
    loop_.after(patience, over);
    fetch_(at, over);
}

void IndexLooks::end(const core::RepositoryId& repository) {
    auto& look = looks_[repository];
    if (!look.is_open) return;
    look.is_open = false;
    stop_(repository);
    for (const auto& then : std::exchange(look.waiting, {})) then();
}

bool IndexLooks::doubt(const core::RepositoryId& repository) {
    auto& look = looks_[repository];
    if (look.is_open) return true;
    if (look.doubted && loop_.now() - *look.doubted < interval) return false;
    look.doubted = loop_.now();
    look.is_told = false;
    look.began.reset();
    return true;
}

}  // namespace packswarm::broker
