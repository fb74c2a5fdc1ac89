#include "p2p/broker/desks/root_news.hpp"

#include <utility>

#include "p2p/base/log.hpp"

namespace packswarm::broker {

namespace {
constexpr auto gathers = Millis(300);    // hellos of one moment
constexpr plan::AgentKey spread = 1500;  // milliseconds over which a crowd that hears of it at once asks
constexpr auto tries_again = Millis(30'000);
constexpr auto window = Seconds(600);
constexpr std::size_t most_tries = 6;  // of a repository within the window: liars promise as often as they like
}  // namespace

void RootNews::shown() { look_later(gathers + Millis(context_.board.key % spread)); }

void RootNews::look_later(Millis after) {
    if (std::exchange(is_due_, true)) return;
    context_.loop.after(after, lifetime_.guard([this] {
        is_due_ = false;
        look();
    }));
}

void RootNews::look() {
    for (const auto& repository : book_.table().all())
        if (book_.is_outdone(repository.id) && fetches_.count(repository.id) == 0 && may_try(repository.id))
            fetch(repository);
}

bool RootNews::may_try(const core::RepositoryId& repository) {
    auto& tries = tries_[repository];
    const auto now = context_.loop.now();
    while (!tries.empty() && tries.front() + window < now) tries.pop_front();
    if (tries.size() >= most_tries) return false;
    tries.push_back(now);
    return true;
}

void RootNews::fetch(const core::Repository& repository) {
    RootFetch::Wish wish{repository, core::root_path(repository), "", Millis(0), false, std::nullopt, true};
    const auto then = lifetime_.guard([this, id = repository.id](Result<RootAnswer> answer) {
        fetches_.erase(id);
        if (answer)
            spdlog::info("{}: the index of {} came from a peer", id, core::date_text(answer->opened->index.date));
        else
            spdlog::info("{}: a newer index that a peer shows did not come: {}", id,
                         printable(answer.error().message, 400));
        if (book_.is_outdone(id)) look_later(tries_again);
    });
    fetches_[repository.id] = std::make_unique<RootFetch>(context_, book_, std::move(wish), then);
}

}  // namespace packswarm::broker
