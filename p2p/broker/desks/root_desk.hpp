// RootDesk: answers who asks for a root or its detached signature: each from one snapshot, with the dates that the
// asker's mirror gives them, and never with less than that mirror alone would have told. Not here: getting a root
// (root_fetch.hpp), which of them counts (index_book.hpp). Loop's thread.
#pragma once

#include <compare>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "p2p/base/lifetime.hpp"
#include "p2p/broker/desks/askers.hpp"
#include "p2p/broker/desks/holding.hpp"
#include "p2p/broker/desks/request_reader.hpp"
#include "p2p/broker/given_roots.hpp"
#include "p2p/broker/root_fetch.hpp"

namespace packswarm::broker {

class RootDesk {
  public:
    struct Needs {
        std::function<void(const core::RepositoryId& repository)> told;       // an asker's index came from here
        std::function<void(RequestId, const Meaning& meaning)> hand_through;  // what its mirror has, unjudged
    };
    RootDesk(TransferContext& context, IndexBook& book, const RequestReader& reader, Askers& askers, Holding& holding,
             Needs needs)
        : context_(context),
          book_(book),
          reader_(reader),
          askers_(askers),
          holding_(holding),
          needs_(std::move(needs)) {}
    RootDesk(const RootDesk&) = delete;
    RootDesk& operator=(const RootDesk&) = delete;

    bool serve(RequestId id, const Meaning& meaning);  // false: it is no root, nor the signature of one
    void leave(RequestId id);                          // it asks no more
    // Whether an address was served another root last than the newest one here: an older one of its own, or one that is
    // not believed. Its names then stand for that one's files.
    bool is_behind(const core::Location& location) const;

  private:
    struct RootAsker {
        RequestId request = RequestId::none;
        bool wants_signature = false;
        std::optional<Digest> held;  // the file its date was given out with
    };
    struct Live {
        std::unique_ptr<RootFetch> fetch;
        std::vector<RootAsker> askers;
    };
    struct Key {
        RootAddress at;
        bool has_other_way = false;  // its askers
        friend auto operator<=>(const Key&, const Key&) = default;
    };
    void answered(const Key& key, Result<RootAnswer> result);
    void note_served(const RootAddress& address, const Result<RootAnswer>& answer);
    bool wants_root(const RootAsker& asker, const RootAnswer& answer);  // false: it was answered
    bool has_it_already(const RootAsker& asker, const RootAnswer& answer) const;
    void hand_through(RequestId id);
    bool serve_signature(RequestId id, const RootAddress& address, const core::Location& location, const Url& url);
    std::optional<GivenRoots::Given> signature_for(RequestId id, const RootAddress& address,
                                                   const core::Location& location, const Url& url) const;
    void answer_signature(RequestId id, const RootAnswer& answer);
    void give_signature(RequestId id, const GivenRoots::Given& given, const SourceShare& from, const char* reason);

    TransferContext& context_;
    IndexBook& book_;
    const RequestReader& reader_;
    Askers& askers_;
    Holding& holding_;
    const Needs needs_;
    std::map<Key, Live> roots_;
    GivenRoots given_;
    Lifetime lifetime_;
};

}  // namespace packswarm::broker
