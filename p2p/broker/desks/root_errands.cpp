#include "p2p/broker/desks/root_errands.hpp"

#include <utility>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/core/bundle.hpp"

namespace packswarm::broker {

void RootErrands::refresh(const core::RepositoryId& repository, Then<RootAnswer> then) {
    const auto* known = book_.table().find(repository);
    if (known == nullptr)
        return then(fail(ErrorKind::Absent, "no repository is called {}", printable(repository.text())));
    RootFetch::Wish wish{*known, core::root_path(*known), "", context_.board.peer_grace, false, std::nullopt};
    refreshes_.push_back(std::make_unique<RootFetch>(context_, book_, std::move(wish), std::move(then)));
    if (refreshes_.size() > limits::max_lineages) refreshes_.erase(refreshes_.begin());
}

void RootErrands::look_at(const core::Location& at, Task then) {
    RootFetch::Wish wish{
        *at.repository, core::root_path(*at.repository), at.base, context_.board.peer_grace, false, {}};
    looking_[at.repository->id] = std::make_unique<RootFetch>(
        context_, book_, std::move(wish), [then = std::move(then)](const Result<RootAnswer>&) { then(); });
}

}  // namespace packswarm::broker
