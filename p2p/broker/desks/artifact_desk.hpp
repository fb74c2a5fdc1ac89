// ArtifactDesk: answers who asks for a file of known digest and size: has it fetched by a live transfer, delivers it to
// all who wait once it is verified, and has it published. Not here: the transfer (transfer/transfer.hpp), what may be
// shared (publishing.hpp). Loop's thread.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "p2p/base/lifetime.hpp"
#include "p2p/broker/desks/askers.hpp"
#include "p2p/broker/desks/graveyard.hpp"
#include "p2p/broker/desks/live_transfers.hpp"
#include "p2p/broker/desks/publishing.hpp"
#include "p2p/broker/desks/request_reader.hpp"
#include "p2p/core/format.hpp"

namespace packswarm::broker {

class ArtifactDesk {
  public:
    // The mirror that was named has another file than this one: whether the asker waits for a look at the index now.
    // error: the file is not to be had.
    using LooksAgain = std::function<bool(RequestId, const Digest&, const std::optional<Error>& error)>;
    ArtifactDesk(TransferContext& context, const IndexBook& book, const RequestReader& reader, Askers& askers,
                 LiveTransfers& transfers, Publishing& publishing, Graveyard& graveyard, core::Formats formats,
                 LooksAgain looks_again)
        : context_(context),
          book_(book),
          reader_(reader),
          askers_(askers),
          transfers_(transfers),
          publishing_(publishing),
          graveyard_(graveyard),
          formats_(std::move(formats)),
          looks_again_(std::move(looks_again)) {}
    ArtifactDesk(const ArtifactDesk&) = delete;
    ArtifactDesk& operator=(const ArtifactDesk&) = delete;

    void serve(RequestId id, const Meaning& meaning);
    // How a live transfer has ended.
    void verified(plan::WantId want, const VerifiedFile& file);
    void failed(plan::WantId want, const Error& error);

  private:
    void ask_mirrors_too(RequestId id, const Meaning& meaning);
    Target target_of(RequestId id, const Meaning& meaning) const;
    bool is_known_to_be_gone(RequestId id, const Target& target);
    void finish(plan::WantId want, const VerifiedFile& file, bool may_share);
    void deliver(const LiveTransfers::Ended& ended, const Delivered& delivered);

    TransferContext& context_;
    const IndexBook& book_;
    const RequestReader& reader_;
    Askers& askers_;
    LiveTransfers& transfers_;
    Publishing& publishing_;
    Graveyard& graveyard_;
    const core::Formats formats_;  // by which the name of a file is understood that stands in no repository
    const LooksAgain looks_again_;
    Lifetime lifetime_;
};

}  // namespace packswarm::broker
