// RequestReader: what a request means: repository, entry, digest and size of what is asked for, and where it may be
// had. Not here: getting it (the desks). Loop's thread. Errors: Refused, for what is not taken.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "p2p/base/url.hpp"
#include "p2p/broker/index_book.hpp"
#include "p2p/broker/requests.hpp"
#include "p2p/broker/transfer/transfer_context.hpp"

namespace packswarm::broker {

// Its locations stand in the book's table: until a reload.
struct Meaning {
    Url url;
    std::vector<core::Location> locations;
    std::optional<Digest> digest;
    std::optional<ByteCount> size;
    std::optional<core::CatalogHit> hit;
};

class RequestReader {
  public:
    // Whether names of this address stand for another root's files than the newest one's.
    using IsBehind = std::function<bool(const core::Location&)>;
    RequestReader(TransferContext& context, const IndexBook& book, IsBehind is_behind)
        : context_(context), book_(book), is_behind_(std::move(is_behind)) {}
    RequestReader(const RequestReader&) = delete;
    RequestReader& operator=(const RequestReader&) = delete;

    Result<Meaning> read(const Request& request) const;
    bool is_listed(const Meaning& meaning) const;  // a package, or the signature of one
    std::optional<core::CatalogHit> package_of_signature(const core::Location& location) const;
    std::vector<MirrorAddress> addresses(const Meaning& meaning) const;

  private:
    TransferContext& context_;
    const IndexBook& book_;
    const IsBehind is_behind_;
};

}  // namespace packswarm::broker
