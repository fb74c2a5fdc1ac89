// Case: what the parts of one transfer work on together; Host: what any of them may ask of the whole. Each part says
// beside its own class what else it needs. Not here: the parts (prefix_check, torrent_feed, lending, inquest), the
// whole (transfer.hpp).
#pragma once

#include <string>

#include "p2p/broker/transfer/incoming_file.hpp"

namespace packswarm::broker {

class Host {
  public:
    virtual ~Host() = default;
    virtual void note(std::string reason) = 0;                   // for people
    virtual void blame(plan::SourceId source, Error error) = 0;  // it failed for this artifact
    virtual void fail(Error error) = 0;                          // the transfer ends
    virtual void forget(plan::SourceId giver) = 0;               // its bytes go, and every part hears of it
    virtual void changed() = 0;        // bytes have come, or went: is it whole, what may go out
    virtual bool is_over() const = 0;  // failed, verified, or about to be taken away
};

struct Case {
    TransferContext& context;
    const Target& target;
    const plan::WantId want_id;
    IncomingFile& file;
    Host& host;

    plan::Want& want() const { return context.board.wants.at(want_id); }
    plan::Source* source(plan::SourceId id) const {  // null: it has gone
        const auto at = context.board.sources.find(id);
        return at == context.board.sources.end() ? nullptr : &at->second;
    }
    bool is_mirror(plan::SourceId id) const { return context.sources.kind(id) == SourceKind::mirror; }
    bool is_peer(plan::SourceId id) const { return context.sources.kind(id) == SourceKind::peer; }
    const std::string& label(plan::SourceId id) const { return context.sources.label(id); }
    TimePoint now() const { return context.loop.now(); }
    ByteRange all() const { return {0, target.size}; }
};

}  // namespace packswarm::broker
