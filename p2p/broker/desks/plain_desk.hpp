// PlainDesk: files that no index vouches for, handed through: one fetch for all who ask for the same file in the same
// way, so many at a time for each user. Not here: the fetch itself (plain_fetch.hpp). Loop's thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "p2p/base/lifetime.hpp"
#include "p2p/broker/desks/askers.hpp"
#include "p2p/broker/desks/graveyard.hpp"
#include "p2p/broker/desks/request_reader.hpp"
#include "p2p/broker/plain_fetch.hpp"

namespace packswarm::broker {

class PlainDesk {
  public:
    PlainDesk(TransferContext& context, const IndexBook& book, const RequestReader& reader, Askers& askers,
              Graveyard& graveyard)
        : context_(context), book_(book), reader_(reader), askers_(askers), graveyard_(graveyard) {}
    PlainDesk(const PlainDesk&) = delete;
    PlainDesk& operator=(const PlainDesk&) = delete;

    void serve(RequestId id, const Meaning& meaning);
    void leave(RequestId id);  // it asks no more

  private:
    struct Live {
        std::unique_ptr<PlainFetch> fetch;  // or it waits for others of its user to end
        std::string user;
        std::optional<PlainFetch::Wish> waiting;
        RequestId first = RequestId::none;  // its askers', in the order of their coming
        std::vector<RequestId> askers;
    };
    std::optional<Guard> guard_of(const Request& request, const Meaning& meaning) const;
    PlainFetch::Wish wish_of(RequestId id, const Meaning& meaning) const;
    void begin_waiting(const std::string& user);
    void begin(const std::string& key, PlainFetch::Wish wish);
    void tell_started(RequestId id, const PlainFetch& fetch);
    void answered(const std::string& key, const Result<PlainAnswer>& answer);

    TransferContext& context_;
    const IndexBook& book_;
    const RequestReader& reader_;
    Askers& askers_;
    Graveyard& graveyard_;
    std::map<std::string, Live> live_;  // by PlainFetch::Wish::key
    Lifetime lifetime_;
};

}  // namespace packswarm::broker
