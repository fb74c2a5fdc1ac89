// Requests: the broker as the doors see it (gateway, control socket): ask for one file, hear how it goes.
// All calls and callbacks on the loop's thread; no callback runs inside get or cancel, and none after cancel.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "p2p/broker/ports/answers.hpp"
#include "p2p/broker/ports/ledger.hpp"
#include "p2p/broker/terms.hpp"
#include "p2p/core/artifact.hpp"

namespace packswarm::broker {

enum class RequestId : std::uint64_t { none = 0 };

// Who may be asked: what the agent wants for itself is asked of peers alone first. store: nobody; what is here under
// that digest, or nothing, and no line in the ledger.
enum class From { anybody, peers, store };

// Whether somebody waits for the answer, or it is only known that somebody will ask soon: the second takes what places
// the first leaves, has no line in the ledger but where it was fetched for it alone, and fails quietly.
enum class Need { awaited, prefetch };

// What becomes of a file that no index here vouches for. Left: who asks fetches it as well as we would, and with its
// owner's settings.
enum class Unlisted { handed_through, left_to_asker };

struct Request {
    std::string url;               // as the package manager would ask its mirror
    std::optional<Digest> digest;  // when the asker knows it (apt); else the verified index is looked up
    std::optional<ByteCount> size;
    ByteCount max_size = 0;  // 0: the limit of the file's kind
    std::optional<WallTime> if_modified_since;
    Terms terms = {};
    std::string asker;        // "apt", "pacman", "cli", "gateway", "prefetch"
    std::string user;         // whose request it is: "user 1000", "192.0.2.7"; empty: the agent's own
    std::string transaction;  // requests of one transaction share this text
    Need need = Need::awaited;
    Unlisted unlisted = Unlisted::handed_through;
    From from = From::anybody;
    std::string lists;     // apt's folder of package lists, when this file goes there; else empty
    bool streams = false;  // takes the first bytes before the last have come; apt and the command line do not
};

// SharedBytes: offsets below Progress::prefix are there, those below Progress::safe are also known to be right.
struct Started {
    ByteCount size = 0;
    std::optional<WallTime> modified;
    SharedBytes bytes;
    std::optional<Part> part = {};  // as in Delivered
};

struct Progress {
    ByteCount received = 0;  // bytes here, anywhere in the file
    ByteCount prefix = 0;    // contiguous bytes from the start
    ByteCount safe = 0;  // of these, bytes that may be handed out before the end (checked against hints or two sources)
    std::optional<WallTime> modified = {};  // as soon as a mirror has said it, often later than Started
};

struct Delivered {
    SharedBytes bytes;
    ByteCount size = 0;
    Digest digest;  // computed, never echoed
    std::optional<WallTime> modified;
    std::vector<SourceShare> sources;
    std::optional<Part> part =
        {};  // the bytes are this part, and size is the part's: as the terms of the request were answered
};

struct RequestEvents {
    std::function<void(const Started&)> started;      // at most once, before progress; skipped for tiny or stored files
    std::function<void(const Progress&)> progress;    // at most about ten a second
    std::function<void(const Delivered&)> delivered;  // one of these three is called, once, last
    std::function<void()> not_modified;
    std::function<void(const Error&)> failed;
};

class Requests {
  public:
    virtual ~Requests() = default;
    virtual RequestId get(Request request, RequestEvents events) = 0;
    virtual void cancel(RequestId request) = 0;
    // When bytes last came from any source for anything that is wanted; now, while something complete is being
    // verified.
    virtual TimePoint last_sign() const = 0;
    // For the gateway's own addresses: the first mirror address of that path in the repository that the file is asked
    // of, when known.
    virtual std::optional<std::string> gateway_address(core::Format format, const core::GatewayFile& at,
                                                       const std::string& path) const = 0;
    // Of the same repository.
    virtual core::PackageSignatures package_signatures(core::Format format, const core::GatewayFile& at) const = 0;
};

}  // namespace packswarm::broker
