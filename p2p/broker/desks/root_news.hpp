// RootNews: a peer shows a newer root than is here: it is fetched and verified within seconds, and shown on in turn,
// with no package manager asking. Bounded for each repository, whatever peers promise. Not here: whether it belongs to
// the repository (snapshots.hpp), and whether it counts (index_book.hpp). Loop's thread.
#pragma once

#include <deque>
#include <map>
#include <memory>

#include "p2p/base/lifetime.hpp"
#include "p2p/broker/root_fetch.hpp"

namespace packswarm::broker {

class RootNews {
  public:
    RootNews(TransferContext& context, IndexBook& book) : context_(context), book_(book) {}
    RootNews(const RootNews&) = delete;
    RootNews& operator=(const RootNews&) = delete;

    void shown();  // by a peer, of whatever repository

  private:
    void look_later(Millis after);
    void look();
    bool may_try(const core::RepositoryId& repository);
    void fetch(const core::Repository& repository);

    TransferContext& context_;
    IndexBook& book_;
    std::map<core::RepositoryId, std::unique_ptr<RootFetch>> fetches_;
    std::map<core::RepositoryId, std::deque<TimePoint>> tries_;  // lately
    bool is_due_ = false;
    Lifetime lifetime_;
};

}  // namespace packswarm::broker
